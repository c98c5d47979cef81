"""The PET voxels of an organ, and how deep each lies under its surface.

An organ has no centreline, and is measured away from its margin: its depth is the plain Euclidean distance from centre
to centre of the mask's voxels and the others (+ inside), interpolated between them: 0.1 to 0.4 mm too deep in a ball,
half a voxel at flat faces, where a vessel's is within 0.1 mm. Where the CT ends, so does the organ. The quantiles over
a PET voxel are those of vessels, over the same 8 x 8 x 8 lattice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.chunked import map_rows
from petproc.core.grid import Grid
from petproc.core.tables import SHIFTS
from petproc.core.volume import Labels
from petproc.sample.depth import Singles, lattice_quantiles, nodes_of
from petproc.sample.place import Floats
from petproc.sample.rows import CHUNK_POINTS, CHUNK_VOXELS, MEDIAN, Rows

AROUND_MM = 10.0
"""of the organ's surroundings in which depth is known: more than a PET voxel's half diagonal"""
NO_STATION = -1

Bools = NDArray[np.bool_]


class Surface:
    """Depth under the surface of a mask."""

    def __init__(self, mask: Bools, grid: Grid) -> None:
        margin = np.ceil(AROUND_MM / grid.spacing).astype(int)
        (box,) = ndimage.find_objects(mask.astype(np.uint8))
        low = np.array([part.start for part in box])
        inside = np.pad(mask[box], [(int(n), int(n)) for n in margin])
        affine = grid.affine.copy()
        affine[:3, 3] = grid.to_mm(low - margin)
        self.grid = Grid(inside.shape, affine)
        self._depth = ndimage.distance_transform_edt(inside, grid.spacing).astype(np.float32)
        self._depth -= ndimage.distance_transform_edt(~inside, grid.spacing).astype(np.float32)

    def depth(self, mm: Floats) -> Singles:
        """Depth in mm of points (n, 3); that of the nearest known place farther than `AROUND_MM` away."""
        index = self.grid.to_index(mm).T
        return np.asarray(ndimage.map_coordinates(self._depth, index, order=1, output=np.float32, mode="nearest"))


def organ_rows(labels: Labels, organ: str, pet: Grid, *, threads: int) -> Rows:
    """Every voxel of `pet` of which half or more lies in the organ, by k, j, i; station -1, angle 0, not shifted.

    `labels` must hold a voxel of the organ.
    """
    surface = Surface(labels.mask(organ), labels.grid)
    index = _candidates(surface.grid, pet)
    reach = float(np.linalg.norm(pet.spacing)) / 2
    kept = map_rows(surface.depth, pet.to_mm(index), rows=CHUNK_POINTS, threads=threads) > -reach
    index = index[kept]
    nodes, of_voxel = nodes_of(index)
    at_nodes = map_rows(surface.depth, pet.to_mm(nodes), rows=CHUNK_POINTS, threads=threads)
    depth = map_rows(lattice_quantiles, at_nodes[of_voxel], rows=CHUNK_VOXELS, threads=threads)
    inside = depth[:, MEDIAN] >= 0
    index, depth = index[inside], depth[inside]
    count = len(index)
    order = np.lexsort(tuple(index.T))
    return Rows(
        index[order],
        pet.to_mm(index[order]),
        depth[order],
        np.full(count, NO_STATION, dtype=np.int64),
        np.zeros(count, dtype=np.float32),
        np.full((count, len(SHIFTS)), np.nan, dtype=np.float32),
    )


def _candidates(around: Grid, pet: Grid) -> NDArray[np.int64]:
    """Indices (n, 3) of the PET voxels in the box of the organ's surroundings."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in around.shape])).reshape(3, -1).T
    at = pet.to_index(around.to_mm(corners))
    low = np.maximum(np.floor(at.min(axis=0)), 0).astype(np.int64)
    high = np.minimum(np.ceil(at.max(axis=0)) + 1, pet.shape).astype(np.int64)
    ranges = [np.arange(start, max(stop, start)) for start, stop in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
