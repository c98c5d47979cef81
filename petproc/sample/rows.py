"""The PET voxels in and within reach of one stretch of a vessel, and where each lies in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petproc.core.chunked import map_rows
from petproc.core.grid import Grid
from petproc.core.tables import Station
from petproc.sample.depth import Wall, depth_quantiles
from petproc.sample.place import Floats, Locator, Stretch, angle_deg
from petproc.sample.wall import Tube

CHUNK_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Rows:
    """PET voxels of one stretch, an entry per voxel.

    `index` (n, 3) int64; `mm` (n, 3) centres; `depth` (n, quantiles) float32; `place` (n,) position of the nearest
    station in `stations`, those of the whole axis; `angle_deg` (n,).
    """

    region: str
    stations: tuple[Station, ...]
    index: NDArray[np.int64]
    mm: Floats
    depth: NDArray[np.float32]
    place: NDArray[np.int64]
    angle_deg: Floats


def rows_of(tube: Tube, stretch: Stretch, pet: Grid, *, reach_mm: float, threads: int) -> Rows:
    """Every voxel of `pet` whose centre projects into the stretch and lies at most `reach_mm` outside its wall."""
    axis = tube.axis
    wall = Wall(tube, stretch)
    index = _box(tube, stretch, pet, reach_mm)
    mm = pet.to_mm(index)
    foot = Locator(axis, stretch.start_mm, stretch.stop_mm).foot(mm)
    kept = np.flatnonzero(stretch.holds(foot.arc))
    centre_depth = map_rows(wall.depth, mm[kept], rows=CHUNK_ROWS * 16, threads=threads)
    kept = kept[centre_depth >= -reach_mm]
    edges = pet.affine[:3, :3]
    depth = map_rows(lambda centres: depth_quantiles(wall, centres, edges), mm[kept], rows=CHUNK_ROWS, threads=threads)
    place = _nearest_station(tube, stretch, foot.arc[kept])
    angle = angle_deg(foot.offset[kept], axis.tangents[foot.sample[kept]])
    return Rows(stretch.region, axis.stations, index[kept], mm[kept], depth, place, angle)


def _box(tube: Tube, stretch: Stretch, pet: Grid, reach_mm: float) -> NDArray[np.int64]:
    """Indices (n, 3) of the PET voxels in the box around a stretch, in order."""
    axis = tube.axis
    inside = (axis.arc >= stretch.start_mm - 1.0) & (axis.arc <= stretch.stop_mm + 1.0)
    centres = pet.to_index(axis.points[inside])
    margin = (float(tube.radius.max()) + reach_mm) / pet.spacing + 1.0
    low = np.maximum(np.floor(centres.min(axis=0) - margin), 0).astype(np.int64)
    high = np.minimum(np.ceil(centres.max(axis=0) + margin) + 1, pet.shape).astype(np.int64)
    ranges = [np.arange(start, max(stop, start)) for start, stop in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)


def _nearest_station(tube: Tube, stretch: Stretch, arc: Floats) -> NDArray[np.int64]:
    """Position in the axis' stations of the nearest one of this stretch."""
    places = tube.axis.station_arc
    own = np.flatnonzero((places >= stretch.start_mm) & (places <= stretch.stop_mm))
    middles = (places[own][1:] + places[own][:-1]) / 2
    return own[np.searchsorted(middles, arc)]
