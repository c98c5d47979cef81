"""Depth under the lateral outer wall, at points and as quantiles over voxels.

Depth is the distance to the nearest place of the wall in mm, + inside. The wall of a region is that of its vessel from
30 mm before to 30 mm after its own stretch: long enough that cuts between regions do not show, short enough that the
descending aorta is not the inside of the ascending one. Beyond the ends of the vessel the wall goes on straight, so
that an end is no wall either.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from petproc.core.tables import DEPTH_QUANTILES
from petproc.sample.place import Axis, Floats, Stretch
from petproc.sample.wall import ANGLES, Tube

WINDOW_MM = 30.0
SURFACE_STEP_MM = 1.0
SURFACE_ANGLES = 72
LATTICE = 8
"""Points per voxel edge over which the quantiles are taken."""
Singles = NDArray[np.float32]


class Wall:
    """The wall of one stretch of a vessel: `points` (n, 3) RAS+ mm with unit `normals` (n, 3) pointing inward."""

    def __init__(self, tube: Tube, stretch: Stretch) -> None:
        rings = _rings(tube, stretch.start_mm - WINDOW_MM, stretch.stop_mm + WINDOW_MM)
        around = np.roll(rings, -1, axis=1) - np.roll(rings, 1, axis=1)
        along = np.gradient(rings, axis=0)
        normals = np.cross(along, around)
        length = np.linalg.norm(normals, axis=2, keepdims=True)
        whole = length[..., 0] > 1e-9
        self.points: Floats = rings[whole]
        self.normals: Floats = (normals / np.maximum(length, 1e-9))[whole]
        self._tree = cKDTree(self.points)

    def depth(self, mm: Floats) -> Floats:
        """Depth of points (n, 3): distance to the tangent plane at the nearest place of the wall."""
        _, nearest = self._tree.query(mm)
        return np.asarray(((mm - self.points[nearest]) * self.normals[nearest]).sum(axis=1))


def _rings(tube: Tube, start_mm: float, stop_mm: float) -> Floats:
    """Places on the wall (rings, SURFACE_ANGLES, 3) from `start_mm` to `stop_mm` of the arc, straight beyond the axis.

    Seen along the axis they go clockwise, so that along x around points inward.
    """
    arc = np.arange(start_mm, stop_mm + SURFACE_STEP_MM / 2, SURFACE_STEP_MM)
    on_axis = np.clip(arc, 0.0, tube.axis.length_mm)
    centre, tangent, first, second = _frame(tube.axis, on_axis)
    centre = centre + (arc - on_axis)[:, None] * tangent
    angle = np.linspace(0.0, 2 * np.pi, SURFACE_ANGLES, endpoint=False, dtype=np.float64)
    radius = _radius_at(tube, on_axis, angle)[..., None]
    across = np.cos(angle)[None, :, None] * first[:, None] + np.sin(angle)[None, :, None] * second[:, None]
    return np.asarray(centre[:, None] + radius * across)


def _frame(axis: Axis, arc: Floats) -> Sequence[Floats]:
    parts = (axis.points, axis.tangents, axis.first, axis.second)
    found = [np.stack([np.interp(arc, axis.arc, part[:, n]) for n in range(3)], axis=1) for part in parts]
    return [found[0], *(part / np.linalg.norm(part, axis=1, keepdims=True) for part in found[1:])]


def _radius_at(tube: Tube, arc: Floats, angle: Floats) -> Floats:
    """Radius at every arc and angle (arcs, angles)."""
    closed = np.concatenate([tube.radius, tube.radius[:, :1]], axis=1)
    turns = np.linspace(0.0, 2 * np.pi, ANGLES + 1)
    at_angles = np.stack([np.interp(angle, turns, row) for row in closed])
    return np.stack([np.interp(arc, tube.arc, at_angles[:, n]) for n in range(len(angle))], axis=1)


def nodes_of(index: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Corners, centres and middles of edges and faces of voxels `index` (n, 3): indices (m, 3), each one once.

    Beside them, for every voxel, the positions (n, 27) of its own among them, ordered as a 3 x 3 x 3 array.
    """
    steps = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    halves = 2 * index[:, None] + steps + 1
    size = halves.max(axis=(0, 1), initial=0) + 1
    keys, of_voxel = np.unique(np.ravel_multi_index(tuple(halves.reshape(-1, 3).T), size), return_inverse=True)
    nodes = (np.stack(np.unravel_index(keys, size), axis=-1) - 1) / 2
    return nodes, of_voxel.reshape(-1, 27)


def lattice_quantiles(at_nodes: Singles) -> Singles:
    """Quantiles (n, len(DEPTH_QUANTILES)) over voxels, of depths `at_nodes` (n, 27), as numbered by `nodes_of`.

    The Q % quantile is the largest d for which at least (100 - Q) % of the lattice points lie at depth >= d. Between
    the nodes depth is quadratic: within 0.05 mm near the wall, up to 0.3 mm too deep on the very axis of a thin vessel.
    """
    depth = at_nodes.reshape(-1, 3, 3, 3)
    for axis in (1, 2, 3):
        depth = _between(depth, axis)
    lattice = depth.reshape(len(at_nodes), LATTICE**3)
    ranks = [q * LATTICE**3 // 100 for q in DEPTH_QUANTILES]
    return np.asarray(np.partition(lattice, ranks, axis=1)[:, ranks])


def _between(values: Singles, axis: int) -> Singles:
    """Values at three places (-1/2, 0, 1/2) of an axis to those at the middles of its parts, quadratically."""
    low, middle, high = (values.take([n], axis=axis) for n in range(3))
    shape = [1] * values.ndim
    shape[axis] = LATTICE
    t = ((np.arange(LATTICE) + 0.5) / LATTICE - 0.5).astype(np.float32).reshape(shape)
    return np.asarray(middle + t * (high - low) + 2 * t * t * (high - 2 * middle + low))
