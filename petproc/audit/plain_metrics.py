"""Metrics of `uptake.tsv` by their formulas, in plain Python, from the rows that `audit.plain` finds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from petproc.audit.plain import (
    NotPlain,
    PlainScan,
    Row,
    Settings,
    Slice,
    blood_rows,
    check_known,
    organ_rows,
    slices_of,
)
from petproc.core.regions import ORGANS
from petproc.core.tables import UptakeRow


@dataclass(frozen=True)
class Cut:
    """A slice that counts, with its maximum and mean in SUV (or in blood pools where no SUV is known)."""

    number: int
    high: float
    mean: float
    slice_mm: float


@dataclass(frozen=True)
class Again:
    """A number measured again; `n_voxel` is of the slices that count, the blood pool or the organ."""

    value: float | None
    n_voxel: int
    background_suv: float | None


@dataclass(frozen=True)
class Plain:
    """All of one scan: `scans` by region that another backend segments, with the general one under ""; `suv` per
    activity, None where it is not known."""

    scans: Mapping[str, PlainScan]
    suv: float | None
    settings: Settings
    _found: dict[tuple[str, str], Any] = field(default_factory=dict)

    def of(self, region: str) -> PlainScan:
        return self.scans.get(region, self.scans[""])

    def pool(self, region: str) -> list[Row]:
        """Rows of the blood pool in `region`."""
        found: list[Row] = self._once("pool", region, blood_rows)
        return found

    def counting(self, region: str) -> list[Slice]:
        """Slices of `region` that count."""
        slices: list[Slice] = self._once("slices", region, slices_of)
        return [one for one in slices if one.counts]

    def _once(self, what: str, region: str, find: Callable[[str, PlainScan, Settings], Any]) -> Any:
        if (what, region) not in self._found:
            self._found[what, region] = find(region, self.of(region), self.settings)
        return self._found[what, region]


def measure_again(row: UptakeRow, plain: Plain) -> Again:
    """The number of a row of `uptake.tsv` that is measured; `NotPlain` where this path has no such definition."""
    settings = plain.settings
    check_known(settings)
    if row.metric.startswith("blood_"):
        return _of_blood(row, plain)
    blood = None
    if row.background_region is not None:
        blood = _mean(plain.pool(row.background_region)) * (plain.suv or 1.0)
    if row.region in ORGANS:
        return _of_organ(row, organ_rows(row.region, plain.of(row.region), settings), blood, plain.suv)
    if row.metric in OF_VOXELS:
        return _of_voxels(row, plain)
    if row.metric not in OF_SLICES:
        raise NotPlain(f"it has no definition of {row.metric}")
    scale = plain.suv or (1.0 if blood is None else 1.0 / blood)
    slices = plain.counting(row.region)
    cuts = [Cut(one.number, max(_activity(one.rows)) * scale, _mean(one.rows) * scale, one.slice_mm) for one in slices]
    of_blood = blood if plain.suv or blood is None else 1.0
    enough = len(cuts) >= settings["slices_min"]
    value = OF_SLICES[row.metric](cuts, of_blood or math.nan, settings) if enough else None
    return Again(value, sum(len(one.rows) for one in slices), blood if plain.suv else None)


def _of_voxels(row: UptakeRow, plain: Plain) -> Again:
    """Sums over the voxels that lie above the blood pool."""
    assert row.background_region
    pool, slices = plain.pool(row.background_region), plain.counting(row.region)
    values, blood = [value for one in slices for value in _activity(one.rows)], _mean(pool)
    if row.metric == "positive_fraction":
        value = sum(one > plain.settings["positive_tbr"] * blood for one in values) / len(values)
    else:
        limit = blood + plain.settings["above_blood_sd"] * statistics.stdev(_activity(pool))
        value = sum(one for one in values if one > limit) * plain.of(row.region).grid.voxel_ml * _known(plain.suv)
    return Again(value, len(values), blood * plain.suv if plain.suv else None)


def _of_blood(row: UptakeRow, plain: Plain) -> Again:
    pool = plain.pool(row.region)
    mean, values = _mean(pool), _activity(pool)
    second = None
    if row.metric == "blood_suv_mean":
        value = mean * _known(plain.suv)
    elif row.metric == "blood_cov":
        value = statistics.stdev(values) / mean
    elif row.metric == "blood_voxels":
        value = float(len(pool))
    elif row.metric == "blood_ratio":
        assert row.background_region
        second = _mean(plain.pool(row.background_region))
        value = mean / second
    elif row.metric == "blood_trend":
        value = _slope([one["arc"] / 10.0 for one in pool], [100.0 * one / mean for one in values])
    else:
        raise NotPlain(f"it has no definition of {row.metric}")
    return Again(value, len(pool), None if second is None or plain.suv is None else second * plain.suv)


def _of_organ(row: UptakeRow, rows: Sequence[Row], blood: float | None, suv: float | None) -> Again:
    values = _activity(rows)
    mean = statistics.fmean(values)
    if row.metric == "organ_suv_mean":
        value = mean * _known(suv)
    elif row.metric == "organ_suv_max":
        value = max(values) * _known(suv)
    elif row.metric == "organ_cov":
        value = statistics.stdev(values) / mean
    elif row.metric == "organ_to_blood" and blood:
        value = mean * (suv or 1.0) / blood
    else:
        raise NotPlain(f"it has no definition of {row.metric}")
    return Again(value, len(rows), blood if suv else None)


def _known(suv: float | None) -> float:
    if suv is None:
        raise NotPlain("it has no SUV of this scan")
    return suv


def _activity(rows: Sequence[Row]) -> list[float]:
    return [row["activity"] for row in rows]


def _mean(rows: Sequence[Row]) -> float:
    if not rows:
        raise NotPlain("it finds no voxel there")
    return statistics.fmean(_activity(rows))


def _slope(along: Sequence[float], values: Sequence[float]) -> float:
    middle, mean = statistics.fmean(along), statistics.fmean(values)
    spread = sum((one - middle) ** 2 for one in along)
    return sum((one - middle) * (value - mean) for one, value in zip(along, values, strict=True)) / spread


def _segment(cuts: Sequence[Cut], blood: float, settings: Settings) -> float | None:
    """Mean TBRmax of an odd number of slices about the hottest, whole inside an unbroken stretch."""
    wanted, apart = settings["segment_mm"], cuts[0].slice_mm
    n = min(range(3, 3 + 2 * int(wanted / apart + 4), 2), key=lambda count: (abs(count * apart - wanted), count))
    best: tuple[float, float] | None = None
    stretch: list[Cut] = []
    for cut in [*cuts, None]:
        if cut is not None and (not stretch or cut.number == stretch[-1].number + 1):
            stretch.append(cut)
            continue
        highs = [one.high / blood for one in stretch]
        if len(highs) >= n and (best is None or max(highs) > best[0]):
            first = min(max(highs.index(max(highs)) - n // 2, 0), len(highs) - n)
            best = max(highs), statistics.fmean(highs[first : first + n])
        stretch = [] if cut is None else [cut]
    return best[1] if best else None


def _active(cuts: Sequence[Cut], blood: float, settings: Settings) -> list[Cut]:
    return [one for one in cuts if one.high / blood >= settings["active_tbr"]]


def _active_mean(cuts: Sequence[Cut], blood: float, settings: Settings) -> float | None:
    active = _active(cuts, blood, settings)
    return statistics.fmean(one.high / blood for one in active) if active else None


OF_SLICES: dict[str, Callable[[Sequence[Cut], float, Any], float | None]] = {
    "mean_suv_max": lambda cuts, _, __: statistics.fmean(one.high for one in cuts),
    "mean_suv_mean": lambda cuts, _, __: statistics.fmean(one.mean for one in cuts),
    "mean_tbr_max": lambda cuts, blood, _: statistics.fmean(one.high / blood for one in cuts),
    "mean_tbr_mean": lambda cuts, blood, _: statistics.fmean(one.mean / blood for one in cuts),
    "max_tbr_max": lambda cuts, blood, _: max(one.high / blood for one in cuts),
    "mean_csuv_max": lambda cuts, blood, _: statistics.fmean(one.high - blood for one in cuts),
    "mean_csuv_mean": lambda cuts, blood, _: statistics.fmean(one.mean - blood for one in cuts),
    "mds_tbr_max": _segment,
    "active_mean_tbr_max": _active_mean,
    "active_fraction": lambda cuts, blood, settings: len(_active(cuts, blood, settings)) / len(cuts),
    "active_length": lambda cuts, blood, settings: sum(one.slice_mm for one in _active(cuts, blood, settings)),
}
"""From the slices that count, the blood pool in their unit (not a number where there is none) and the settings."""
OF_VOXELS = ("positive_fraction", "uptake_above_blood")
