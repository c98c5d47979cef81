"""How far a place is from its neighbours: the voxels of a mask, or another part of the same tree of vessels.

`FAR_MM` is the largest distance told, and also stands where there is no such neighbour.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from petproc.core.chunked import map_rows
from petproc.core.grid import Grid
from petproc.core.tables import FAR_MM
from petproc.sample.place import Floats, Ints
from petproc.sample.tree import Tree

Bools = NDArray[np.bool_]
Singles = NDArray[np.float32]

CHUNK_ROWS = 4096
OTHER_PART_MM = 30.0
"""Another part of the same tree is a neighbour when it lies at least so far away along the vessels ..."""
OTHER_PART_BEND = 0.75
"""... and the straight way there is at most this share of the way along (a half circle has 0.64, a straight tube 1)."""


class Neighbour:
    """The voxels of a mask, to which distances are asked for; the axes of its grid must be orthogonal."""

    def __init__(self, mask: Bools, grid: Grid) -> None:
        found = ndimage.find_objects(mask.astype(np.uint8))
        box = found[0] if found else (slice(0, 1),) * 3
        self._mask = mask[box]
        affine = grid.affine.copy()
        affine[:3, 3] = grid.to_mm([part.start for part in box])
        self._grid = Grid(self._mask.shape, affine)
        border = np.argwhere(self._mask & ~ndimage.binary_erosion(self._mask))
        self._border = border * grid.spacing
        self._tree = cKDTree(self._border) if len(border) else None

    def distance(self, mm: Floats, *, threads: int) -> Singles:
        """Distance (n,) in mm from points `mm` (n, 3) to the nearest face of a voxel, 0 inside, at most `FAR_MM`."""
        if self._tree is None:
            return np.full(len(mm), FAR_MM, dtype=np.float32)
        along_axes = self._grid.to_index(mm) * self._grid.spacing
        return map_rows(self._distance, along_axes, rows=CHUNK_ROWS, threads=threads)

    def _distance(self, points: Floats) -> Singles:
        assert self._tree is not None
        spacing, last = self._grid.spacing, np.array(self._mask.shape) - 1
        reached, nearest = self._tree.query(points, distance_upper_bound=2 * FAR_MM)
        near = np.isfinite(reached)
        apart = np.abs(points[near] - self._border[nearest[near]]) - spacing / 2
        result = np.full(len(points), FAR_MM, dtype=np.float32)
        result[near] = np.minimum(np.sqrt((np.maximum(apart, 0.0) ** 2).sum(axis=1)), FAR_MM)
        voxel = np.rint(points / spacing).astype(np.int64)
        on_grid = ((voxel >= 0) & (voxel <= last)).all(axis=1)
        result[on_grid & self._mask[tuple(np.clip(voxel, 0, last).T)]] = 0.0
        return result


def distance_to_other_part(tree: Tree, vessel: str, number: Ints, mm: Floats, *, threads: int) -> Singles:
    """Distance (n,) from points `mm` (n, 3) at stations `number` (n,) of `vessel` to other parts of its tree.

    The descending aorta is a neighbour of the ascending one; the next stretch of a straight vessel is none, and neither
    is the place where a branch leaves it. The other part is taken as balls of the stations' radius.
    """
    centre = np.array([(s.x_mm, s.y_mm, s.z_mm) for s in tree.stations])
    radius = np.array([s.radius_mm for s in tree.stations])
    straight = np.linalg.norm(centre[:, None] - centre, axis=2)
    is_other = (tree.along >= OTHER_PART_MM) & (straight <= OTHER_PART_BEND * tree.along)
    beyond = np.where(is_other, 0.0, np.inf)
    place = {station.station: n for n, station in enumerate(tree.stations) if station.vessel == vessel}
    own = np.array([place[n] for n in number.tolist()], dtype=np.int64)

    def distance(points: Floats, at: Ints) -> Singles:
        apart = np.sqrt(((points[:, None] - centre) ** 2).sum(axis=2)) - radius + beyond[at]
        return np.asarray(np.clip(apart.min(axis=1), 0.0, FAR_MM), dtype=np.float32)

    return map_rows(distance, mm, own, rows=CHUNK_ROWS // 8, threads=threads)
