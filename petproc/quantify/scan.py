"""A scan made ready for measuring: rows in order, stations judged, uptake time by plane; and a region's rows."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import LANDMARKS, REGIONS
from petproc.core.tables import Verdict
from petproc.quantify.gate import Gate, judge
from petproc.quantify.tables import Columns, ScanTables
from petproc.quantify.verdicts import heard
from petproc.settings import QuantifySettings

Made = TypeVar("Made")
Memo = dict[Any, Any]
NOT_OF_SCAN = set(QuantifySettings.model_fields) - {"gate", "depth_mm", "coverage"}
NOT_OF_POOL = set(QuantifySettings.model_fields) - {"gate", "background"}
NOT_OF_SLICES = {"active_tbr", "segment_mm", "slices_min", "suv", "glucose_reference_mmol_l", "background", "regions"}
"""Settings that a scan made ready (but for the depth of the blood pool), a blood pool and the slices of a region do not
depend on."""


@dataclass(frozen=True, eq=False)
class Scan:
    """`voxels` sorted by region, k, j, i, and those of them that reach the depth of anything measured of a vessel;
    `uptake_min` (slices of the grid,), None where no injection time is known."""

    voxels: Columns
    deep: Columns
    stations: Columns
    gate: Gate
    grid: Grid
    uptake_min: NDArray[np.float64] | None


class Scans:
    """A scan as every backend of an analysis segmented it, each prepared once: stations of the same vessel may come
    from two of them under the same numbers, so that their tables are never put together.

    Who asks the same scan under many settings gives one `memo` to all: what does not depend on the settings that differ
    is then made once."""

    def __init__(
        self, tables: ScanTables, settings: QuantifySettings, verdicts: Sequence[Verdict] = (), memo: Memo | None = None
    ) -> None:
        self._tables, self._settings, self._verdicts = tables, settings, verdicts
        self._prepared: dict[int, Scan | Refusal] = {}
        self._memo = memo

    def once(self, what: str, tables: ScanTables, make: Callable[[], Made], *, but: Set[str]) -> Made:
        """`what` as `make` makes it from `tables` and the settings without those called in `but`, on which alone it
        depends; a `Refusal` is remembered too."""
        if self._memo is None:
            return make()
        key = (what, id(tables.voxels), self._settings.model_dump_json(exclude=set(but)))
        if key not in self._memo:
            try:
                self._memo[key] = make()
            except Refusal as refusal:
                self._memo[key] = refusal
        found = self._memo[key]
        if isinstance(found, Refusal):
            raise Refusal(found.code, found.reason, found.remedy)
        return cast(Made, found)

    def tables_of(self, region: str) -> ScanTables:
        """The tables of the backend that segments `region`."""
        return self._tables.of_region.get(region, self._tables)

    def of(self, region: str) -> Scan:
        """The scan by the backend that segments `region`; its `Refusal` where an earlier stage ended with one."""
        tables = self.tables_of(region)
        if id(tables) not in self._prepared:
            self._prepared[id(tables)] = self._prepare(tables)
        found = self._prepared[id(tables)]
        if isinstance(found, Refusal):
            raise Refusal(found.code, found.reason, found.remedy)
        return found

    def _prepare(self, tables: ScanTables) -> Scan | Refusal:
        try:
            made = replace(tables, acquisition=self._tables.acquisition)
            if tables.refused:
                return tables.refused
            what = f"scan {self._settings.background.depth_min_mm}"
            return self.once(what, tables, lambda: prepare(made, self._settings, self._verdicts), but=NOT_OF_SCAN)
        except Refusal as refusal:
            return refusal


def prepare(tables: ScanTables, settings: QuantifySettings, verdicts: Sequence[Verdict] = ()) -> Scan:
    grid = Grid(tuple(tables.sample["pet_shape"]), np.array(tables.sample["pet_affine"], dtype=np.float64))
    voxels = _sorted(tables.voxels, grid.shape)
    return Scan(
        voxels,
        _deep(voxels, settings),
        tables.stations,
        heard(judge(tables.stations, tables.sample, settings.gate), tables.stations, verdicts),
        grid,
        _uptake_min(tables.acquisition, grid.shape[2]),
    )


def has_landmark(scan: Scan, vessel: str) -> bool:
    """Whether the arc length along `vessel` counts from a landmark.

    That of the aorta lies on its descending limb, that of a carotid at its end, so that the stations before it count
    below 0; without it the arc length is 0 at the first. All other vessels count from their first station.
    """
    own = scan.stations["vessel"] == vessel
    return vessel not in LANDMARKS or bool((scan.stations["arc_mm"][own] < 0).any())


def arc_of(rows: Columns, region: str, scan: Scan) -> NDArray[np.float64]:
    """Arc length of each row of `rows_of`, mm: that of its station, and how far past it the row lies, up to half a
    step."""
    place = rows["place"]
    at = {name: scan.stations[name][place] for name in ("arc_mm", "x_mm", "y_mm", "z_mm")}
    tangent = np.stack([scan.stations[f"tangent_{axis}"][place] for axis in "xyz"], axis=-1)
    voxel = scan.grid.to_mm(np.stack([rows[axis] for axis in "ijk"], axis=-1))
    past = ((voxel - np.stack([at["x_mm"], at["y_mm"], at["z_mm"]], axis=-1)) * tangent).sum(axis=-1)
    half_step = step_mm(region, scan) / 2.0
    return np.asarray(at["arc_mm"] + np.clip(past, -half_step, half_step))


def step_mm(region: str, scan: Scan) -> float:
    """Distance between stations of `region`; 0 where it has but one."""
    steps = np.diff(np.sort(scan.stations["arc_mm"][scan.stations["region"] == region])).tolist()
    return statistics.median(steps) if steps else 0.0


def rows_of_organ(scan: Scan, organ: str) -> Columns:
    """All rows of an organ, which has no stations."""
    first, last = _range(scan.voxels["region"], REGIONS[organ].value)
    return {name: column[first:last] for name, column in scan.voxels.items()}


def rows_of(scan: Scan, region: str) -> dict[str, NDArray[Any]]:
    """Deep rows of `region` that lie at one of its own stations; `place` is the station's row in the stations table.

    A row's region may reach past its cut planes, since those are no walls; its station says on which side it lies.
    """
    value = REGIONS[region].value
    first, last = _range(scan.deep["region"], value)
    place = _places(scan.stations, REGIONS[region].vessel, scan.deep["station"][first:last])
    at_own = np.append(scan.stations["region"] == region, False)
    own = np.flatnonzero(at_own[place])
    rows = {name: column[first:last][own] for name, column in scan.deep.items()}
    return {**rows, "place": place[own]}


def _range(values: NDArray[np.uint8], value: int) -> tuple[int, int]:
    """Where `value` begins and ends in sorted `values`; asked for in their own type, else all of them are copied."""
    first, last = np.searchsorted(values, np.array([value, value + 1], dtype=values.dtype))
    return int(first), int(last)


def _deep(voxels: Columns, settings: QuantifySettings) -> Columns:
    """Rows that a slice or a blood pool may take: most lie outside of the vessel, around it, and are looked at by
    SUVpeak alone."""
    least = min(settings.depth_mm[0], settings.background.depth_min_mm)
    depths = dict.fromkeys((f"depth_{settings.coverage}", "depth_p50", "depth_p90"))
    reach = np.logical_or.reduce([voxels[name] >= least for name in depths])
    at = np.flatnonzero(reach)
    return {name: column[at] for name, column in voxels.items()}


def _sorted(voxels: Columns, shape: tuple[int, int, int]) -> Columns:
    """Rows in the order in which `sample` writes them; a row that is there twice is refused."""
    key = voxels["region"].astype(np.int64)
    for axis, size in (("k", shape[2]), ("j", shape[1]), ("i", shape[0])):
        key = key * size + voxels[axis]
    if (key[1:] > key[:-1]).all():
        return voxels
    order = np.argsort(key, kind="stable")
    key = key[order]
    if (key[1:] == key[:-1]).any():
        raise Refusal("table-rows-twice", "The voxel table has a voxel of a region twice.", "Run sample again.")
    return {name: column[order] for name, column in voxels.items()}


def _places(stations: Columns, vessel: str, numbers: NDArray[Any]) -> NDArray[np.int64]:
    """Row in the stations table of each station number of `vessel`; -1 (past its end) for a number not there."""
    rows = np.flatnonzero(stations["vessel"] == vessel)
    present = stations["station"][rows]
    lookup = np.full(int(present.max(initial=-1)) + 2, -1, dtype=np.int64)
    lookup[present] = rows
    known = (numbers >= 0) & (numbers < len(lookup) - 1)
    return lookup[np.where(known, numbers, -1)]


def _uptake_min(acquisition: PetAcquisition | None, n_slice: int) -> NDArray[np.float64] | None:
    if acquisition is None or acquisition.injection_time is None:
        return None
    return np.array([acquisition.uptake_min(k) for k in range(n_slice)], dtype=np.float64)
