"""The PET voxels in and within reach of a stretch of a vessel, and where each lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from petproc.core.chunked import map_rows
from petproc.core.grid import Grid
from petproc.core.tables import DEPTH_QUANTILES, SHIFT_MM, SHIFTS
from petproc.sample.depth import Singles, Wall, lattice_quantiles, nodes_of
from petproc.sample.place import Floats, Foot, Locator, Stretch, angle_deg
from petproc.sample.wall import Tube

CHUNK_POINTS = 16384
CHUNK_VOXELS = 2048
MEDIAN = DEPTH_QUANTILES.index(50)


@dataclass(frozen=True, eq=False)
class Rows:
    """PET voxels of one region, an entry per voxel.

    `index` (n, 3); `mm` (n, 3) centres; `depth` (n, quantiles); `station` (n,) number of the nearest station of the
    region; `angle_deg` (n,); `shifted` (n, shifts) the median depth under each of `SHIFTS`.
    """

    index: NDArray[np.int64]
    mm: Floats
    depth: NDArray[np.float32]
    station: NDArray[np.int64]
    angle_deg: NDArray[np.float32]
    shifted: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def median_depth(self) -> NDArray[np.float32]:
        return self.depth[:, MEDIAN]


def rows_of(tube: Tube, stretch: Stretch, pet: Grid, *, reach_mm: float, threads: int) -> Rows:
    """Every voxel of `pet` whose centre projects into the stretch and lies at most `reach_mm` outside its wall."""
    wall = Wall(tube, stretch)
    index, mm, foot = _candidates(tube, stretch, pet, reach_mm)
    centre_depth = map_rows(wall.depth, mm, rows=CHUNK_POINTS, threads=threads)
    kept = np.flatnonzero(centre_depth >= -reach_mm)
    index, mm = index[kept], mm[kept]
    depth = _depth(wall, pet, index, threads=threads)
    from_axis = np.linalg.norm(foot.offset[kept], axis=1)
    near_axis = np.flatnonzero(from_axis <= SHIFT_MM + pet.spacing.max())
    shifted = np.empty((len(kept), len(SHIFTS)), dtype=np.float32)
    for n, shift in enumerate(SHIFTS.values()):
        there = map_rows(wall.depth, mm - shift, rows=CHUNK_POINTS, threads=threads)
        shifted[:, n] = depth[:, MEDIAN] + (there - centre_depth[kept])
        shifted[near_axis, n] = _depth(wall, pet, index[near_axis], shift, threads=threads)[:, MEDIAN]
    angle = angle_deg(foot.offset[kept], tube.axis.tangents[foot.sample[kept]])
    return Rows(index, mm, depth, _nearest_station(tube, stretch, foot.arc[kept]), angle, shifted)


def _depth(
    wall: Wall, pet: Grid, index: NDArray[np.int64], shift: Sequence[float] = (0.0, 0.0, 0.0), *, threads: int
) -> Singles:
    """Quantiles over voxels `index` (n, 3) of the depth under the wall moved by `shift` mm, (n, quantiles)."""
    nodes, of_voxel = nodes_of(index)
    at_nodes = map_rows(wall.depth, pet.to_mm(nodes) - shift, rows=CHUNK_POINTS, threads=threads).astype(np.float32)
    return map_rows(lattice_quantiles, at_nodes[of_voxel], rows=CHUNK_VOXELS, threads=threads)


def united(parts: Sequence[Rows]) -> Rows:
    """Rows of all stretches of one region, sorted by k, j, i; of a voxel near two of them the deeper row."""
    together = [np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Rows)]
    rows = Rows(*together)
    order = np.lexsort((-rows.median_depth, *rows.index.T))
    index = rows.index[order]
    first = np.ones(len(index), dtype=bool)
    first[1:] = (index[1:] != index[:-1]).any(axis=1)
    return Rows(*(column[order[first]] for column in together))


def _candidates(tube: Tube, stretch: Stretch, pet: Grid, reach_mm: float) -> tuple[NDArray[np.int64], Floats, Foot]:
    """Voxels that project into the stretch and are near enough to its axis to be within reach of any of its wall."""
    axis = tube.axis
    farthest = float(tube.radius.max()) + reach_mm
    inside = (axis.arc >= stretch.start_mm - 1.0) & (axis.arc <= stretch.stop_mm + 1.0)
    centres = pet.to_index(axis.points[inside])
    low = np.maximum(np.floor(centres.min(axis=0) - farthest / pet.spacing) - 1, 0).astype(np.int64)
    high = np.minimum(np.ceil(centres.max(axis=0) + farthest / pet.spacing) + 2, pet.shape).astype(np.int64)
    ranges = [np.arange(start, max(stop, start)) for start, stop in zip(low, high, strict=True)]
    index = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
    mm = pet.to_mm(index)
    foot = Locator(axis, stretch.start_mm, stretch.stop_mm).foot(mm)
    kept = stretch.holds(foot.arc) & ((foot.offset**2).sum(axis=1) <= (farthest + 1.0) ** 2)
    return index[kept], mm[kept], Foot(foot.arc[kept], foot.sample[kept], foot.offset[kept])


def _nearest_station(tube: Tube, stretch: Stretch, arc: Floats) -> NDArray[np.int64]:
    """Number of the nearest station of this stretch."""
    places = tube.axis.station_arc
    own = np.flatnonzero((places >= stretch.start_mm) & (places <= stretch.stop_mm))
    numbers = np.array([tube.axis.stations[n].station for n in own], dtype=np.int64)
    return np.asarray(numbers[np.searchsorted((places[own][1:] + places[own][:-1]) / 2, arc)])
