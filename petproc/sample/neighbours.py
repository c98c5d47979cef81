"""How far a place is from its neighbours: the voxels of a mask, another part of the same vessel.

Distances are to the nearest face of a voxel of the neighbour's mask, 0 inside it, at most `FAR_MM`, which also stands
where there is no such neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from petproc.core.chunked import map_rows
from petproc.core.grid import Grid
from petproc.core.tables import FAR_MM, Station
from petproc.sample.place import Floats

Bools = NDArray[np.bool_]
Singles = NDArray[np.float32]

CHUNK_ROWS = 4096
OTHER_PART_MM = 30.0
"""Another part of the same vessel is a neighbour when it lies at least so far away along the vessel ..."""
OTHER_PART_BEND = 0.75
"""... and the straight way there is at most this share of the way along (a half circle has 0.64, a straight tube 1)."""


def distance_to_mask(mask: Bools, grid: Grid, mm: Floats, *, threads: int) -> Singles:
    """Distance (n,) in mm from points `mm` (n, 3) to the voxels of `mask`, taken as boxes; axes must be orthogonal."""
    if not mask.any():
        return np.full(len(mm), FAR_MM, dtype=np.float32)
    border = np.argwhere(mask & ~ndimage.binary_erosion(mask)) * grid.spacing
    tree = cKDTree(border)
    last = np.array(mask.shape) - 1

    def distance(points: Floats) -> Singles:
        reached, nearest = tree.query(points, distance_upper_bound=2 * FAR_MM)
        near = np.isfinite(reached)
        apart = np.abs(points[near] - border[nearest[near]]) - grid.spacing / 2
        result = np.full(len(points), FAR_MM, dtype=np.float32)
        result[near] = np.minimum(np.sqrt((np.maximum(apart, 0.0) ** 2).sum(axis=1)), FAR_MM)
        voxel = np.rint(points / grid.spacing).astype(np.int64)
        inside = ((voxel >= 0) & (voxel <= last)).all(axis=1)
        result[inside & mask[tuple(np.clip(voxel, 0, last).T)]] = 0.0
        return result

    return map_rows(distance, grid.to_index(mm) * grid.spacing, rows=CHUNK_ROWS, threads=threads)


def distance_to_other_part(stations: Sequence[Station], own: NDArray[np.int64], mm: Floats, *, threads: int) -> Singles:
    """Distance (n,) from points `mm` (n, 3) at stations `own` (n,; places in `stations`) to other parts of the vessel.

    The descending aorta is a neighbour of the ascending one. The other part is taken as balls of the stations' radius.
    """
    centre = np.array([(s.x_mm, s.y_mm, s.z_mm) for s in stations])
    radius = np.array([s.radius_mm for s in stations])
    arc = np.array([s.arc_mm for s in stations])
    along = np.abs(arc[:, None] - arc)
    straight = np.linalg.norm(centre[:, None] - centre, axis=2)
    is_other = (along >= OTHER_PART_MM) & (straight <= OTHER_PART_BEND * along)
    beyond = np.where(is_other, 0.0, np.inf)

    def distance(points: Floats, at: NDArray[np.int64]) -> Singles:
        apart = np.sqrt(((points[:, None] - centre) ** 2).sum(axis=2)) - radius + beyond[at]
        return np.asarray(np.clip(apart.min(axis=1), 0.0, FAR_MM), dtype=np.float32)

    return map_rows(distance, mm, own, rows=CHUNK_ROWS // 8, threads=threads)
