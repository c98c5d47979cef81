"""A scan made ready for measuring: rows in order, stations judged, uptake time by plane; and a region's rows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

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


@dataclass(frozen=True, eq=False)
class Scan:
    """`voxels` sorted by region, k, j, i; `uptake_min` (slices of the grid,), None where no injection time is known."""

    voxels: Columns
    stations: Columns
    gate: Gate
    grid: Grid
    uptake_min: NDArray[np.float64] | None


class Scans:
    """A scan as every backend of an analysis segmented it, each prepared once: stations of the same vessel may come
    from two of them under the same numbers, so that their tables are never put together."""

    def __init__(self, tables: ScanTables, settings: QuantifySettings, verdicts: Sequence[Verdict] = ()) -> None:
        self._tables, self._settings, self._verdicts = tables, settings, verdicts
        self._prepared: dict[int, Scan | Refusal] = {}

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
            return tables.refused or prepare(made, self._settings, self._verdicts)
        except Refusal as refusal:
            return refusal


def prepare(tables: ScanTables, settings: QuantifySettings, verdicts: Sequence[Verdict] = ()) -> Scan:
    grid = Grid(tuple(tables.sample["pet_shape"]), np.array(tables.sample["pet_affine"], dtype=np.float64))
    return Scan(
        _sorted(tables.voxels, grid.shape),
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
    value = REGIONS[organ].value
    first, last = np.searchsorted(scan.voxels["region"], [value, value + 1])
    return {name: column[first:last] for name, column in scan.voxels.items()}


def rows_of(scan: Scan, region: str) -> dict[str, NDArray[Any]]:
    """Rows of `region` that lie at one of its own stations; `place` is the station's row in the stations table.

    A row's region may reach past its cut planes, since those are no walls; its station says on which side it lies.
    """
    value = REGIONS[region].value
    first, last = np.searchsorted(scan.voxels["region"], [value, value + 1])
    place = _places(scan.stations, REGIONS[region].vessel, scan.voxels["station"][first:last])
    at_own = np.append(scan.stations["region"] == region, False)
    own = np.flatnonzero(at_own[place])
    rows = {name: column[first:last][own] for name, column in scan.voxels.items()}
    return {**rows, "place": place[own]}


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
