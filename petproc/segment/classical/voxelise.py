"""From the polar surface to voxels: a voxel belongs to the vessel when its centre lies inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from petproc.core.grid import Grid
from petproc.segment.classical.surface import ANGLES, Surface
from petproc.segment.stations import STEP_MM

Floats = NDArray[np.float64]
BETWEEN = 4
"""Places per station at which the surface is looked up."""
GROUP = 10


def voxels_inside(grid: Grid, surface: Surface) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Voxels (m, 3) whose centre is inside `surface`, and for each the point of its centreline (m,) it belongs to."""
    dense = _dense(surface)
    candidates = _near(grid, surface)
    places = grid.to_mm(candidates)
    _, nearest = cKDTree(dense.points_mm).query(places)
    offset = places - dense.points_mm[nearest]
    along, across, up = (
        (offset * axis[nearest]).sum(axis=1) for axis in (dense.tangents, dense.normals, dense.binormals)
    )
    angle = np.mod(np.arctan2(up, across), 2 * np.pi) / (2 * np.pi) * ANGLES
    first = np.floor(angle).astype(int)
    share = angle - first
    wall = dense.radii_mm[nearest, first % ANGLES] * (1 - share) + dense.radii_mm[nearest, (first + 1) % ANGLES] * share
    inside = (np.hypot(across, up) <= wall) & (np.abs(along) <= STEP_MM / 2.0)
    return candidates[inside], np.rint(nearest[inside] / BETWEEN).astype(np.int64)


def _dense(surface: Surface) -> Surface:
    """The surface at `BETWEEN` places per station, linear between."""
    count = len(surface.points_mm)
    at = np.arange((count - 1) * BETWEEN + 1) / BETWEEN
    low = np.minimum(at.astype(int), count - 2)
    share = (at - low)[:, None]

    def between(values: Floats) -> Floats:
        return np.asarray(values[low] * (1 - share) + values[low + 1] * share)

    def direction(values: Floats) -> Floats:
        mixed = between(values)
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))

    return Surface(
        between(surface.points_mm),
        direction(surface.tangents),
        direction(surface.normals),
        direction(surface.binormals),
        between(surface.radii_mm),
        surface.visible[low],
    )


def _near(grid: Grid, surface: Surface) -> NDArray[np.int64]:
    """Voxels (m, 3) in boxes around stretches of the tube: everything that can be inside."""
    low_corner = np.array(grid.shape)
    high_corner = np.zeros(3, dtype=int)
    boxes = []
    for start in range(0, len(surface.points_mm), GROUP):
        part = slice(start, start + GROUP)
        reach = float(surface.radii_mm[part].max()) + STEP_MM
        index = grid.to_index(surface.points_mm[part])
        margin = np.abs(np.linalg.inv(grid.affine[:3, :3])).sum(axis=1) * reach
        low = np.clip(np.floor(index.min(axis=0) - margin).astype(int), 0, grid.shape)
        high = np.clip(np.ceil(index.max(axis=0) + margin).astype(int) + 1, 0, grid.shape)
        boxes.append((low, high))
        low_corner, high_corner = np.minimum(low_corner, low), np.maximum(high_corner, high)
    inside = np.zeros(tuple(np.maximum(high_corner - low_corner, 0)), dtype=bool)
    for low, high in boxes:
        inside[tuple(slice(a, b) for a, b in zip(low - low_corner, high - low_corner, strict=True))] = True
    return np.asarray(np.argwhere(inside) + low_corner)
