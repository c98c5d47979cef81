"""The lateral outer wall of a vessel, sub-voxel, from its label mask.

A mask tells of every voxel centre whether it lies inside. The wall is the smoothest tube r(arc, angle) around the
centreline that separates the centres inside from those outside: a penalised logistic fit of the sign of
r(arc, angle) - distance of the centre from the axis. This uses the mask as what it is, samples of an inside, so that
neither the staircase of thick slices nor the size of the voxels moves the wall, and an edited mask is followed down to
details of two or three voxels. Cylinders, cones and shifts across the axis cost nothing. Ends and cuts of the mask are
no walls: only centres whose foot lies on the axis take part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.ndimage import binary_dilation, binary_erosion

from petproc.core.grid import Grid
from petproc.sample.place import Axis, Floats, Locator

ANGLES = 36
RING_MM = 2.0
"""Pitch of the rings of the fit along the axis."""
BAND_VOXELS = 2
"""Voxel centres within so many steps of the mask's border take part."""
MARGIN = 0.02
"""Width of the logistic step, in edges of a cube of one voxel's volume: small, since a mask is a clean cut: 0.1 and
more shrink or swell thin vessels by over 0.1 mm, 0.01 clings to single voxels."""
SMOOTH = 1.5
"""Length of the detail that the penalty removes, in the same edges (1 leaves twice the ripple, 2 follows less)."""
ANNEALING = (32.0, 16.0, 8.0, 4.0, 2.0, 1.0, 1.0)
"""Widths of the Newton steps in units of `MARGIN`: from wide to narrow, so that a poor first radius does not matter."""
STRAY_VOXELS = 1.0
"""A centre on the wrong side of the wall by more than so many edges is counted as stray."""

Bools = NDArray[np.bool_]
Matrix = Any


@dataclass(frozen=True, eq=False)
class Tube:
    """The wall around an axis: `radius[n, a]` mm at `arc[n]` mm and angle 2 pi a / ANGLES from `first` to `second`.

    `stray_fraction`: voxel centres that the wall puts on the wrong side by more than `STRAY_VOXELS`, as a share of
    the mask's; large where a mask is no tube around this axis.
    """

    axis: Axis
    arc: Floats
    radius: Floats
    stray_fraction: float


@dataclass(frozen=True, eq=False)
class _Samples:
    """Voxel centres near the border of a mask in coordinates of the axis, and whether they lie inside."""

    arc: Floats
    angle: Floats
    distance: Floats
    inside: Bools


def fit_tube(axis: Axis, mask: Bools, grid: Grid) -> Tube:
    """The wall of the vessel around `axis` from its `mask` on `grid`, which must hold a voxel at least."""
    rings = max(4, round(axis.length_mm / RING_MM) + 1)
    arc = np.linspace(0.0, axis.length_mm, rings)
    start = np.interp(arc, axis.station_arc, [station.radius_mm for station in axis.stations])
    edge_mm = (1000.0 * grid.voxel_ml) ** (1 / 3)
    samples = _samples(axis, mask, grid)
    basis = _interpolation(samples.arc / arc[1], samples.angle / (2 * np.pi) * ANGLES, rings)
    roughness = _roughness(start, arc[1], SMOOTH * edge_mm)
    radius = np.repeat(start, ANGLES)
    for factor in ANNEALING:
        radius = _newton_step(radius, samples, basis, roughness / edge_mm**3, factor * MARGIN * edge_mm)
    outward = samples.distance - basis @ radius
    stray = np.where(samples.inside, outward, -outward) > STRAY_VOXELS * edge_mm
    return Tube(axis, arc, radius.reshape(rings, ANGLES), float(stray.sum() / mask.sum()))


def _samples(axis: Axis, mask: Bools, grid: Grid) -> _Samples:
    where = [np.flatnonzero(mask.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    low = np.array([max(found[0] - BAND_VOXELS - 1, 0) for found in where])
    crop = mask[tuple(slice(n, found[-1] + BAND_VOXELS + 2) for n, found in zip(low, where, strict=True))]
    shrunk = binary_erosion(crop, iterations=BAND_VOXELS, border_value=1)
    band = binary_dilation(crop, iterations=BAND_VOXELS) & ~shrunk
    foot = Locator(axis).foot(grid.to_mm(np.argwhere(band) + low))
    on_axis = (foot.arc >= 0) & (foot.arc <= axis.length_mm)
    first, second = axis.first[foot.sample], axis.second[foot.sample]
    angle = np.arctan2((foot.offset * second).sum(axis=1), (foot.offset * first).sum(axis=1))
    distance = np.linalg.norm(foot.offset, axis=1)
    angle = np.mod(angle, 2 * np.pi)
    return _Samples(foot.arc[on_axis], angle[on_axis], distance[on_axis], crop[band][on_axis])


def _newton_step(radius: Floats, samples: _Samples, basis: Matrix, penalty: Matrix, width: float) -> Floats:
    """One damped step towards the minimum of sum log(1 + exp(-margin)) + penalty at this width."""
    at_samples = basis @ radius
    sign = np.where(samples.inside, 1.0, -1.0)
    margin = np.clip(sign * (at_samples - samples.distance) / width, -30, 30)
    wrong = 1 / (1 + np.exp(margin))
    # Around a thin tube more centres lie outside than inside the wall; evened out, or the wall would shrink.
    even = np.clip(at_samples / np.maximum(samples.distance, 0.1), 0.5, 2.0)
    gradient = basis.T @ (-sign * wrong * even / width) + penalty @ radius / width
    curvature = basis.T @ sparse.diags(even * wrong * (1 - wrong) / width**2) @ basis + penalty / width
    step = _solve(curvature + 1e-3 * sparse.identity(len(radius)), gradient)
    limit = max(4 * width, 0.2)
    return np.asarray(np.maximum(radius - np.clip(step, -limit, limit), 0.0))


def _solve(matrix: Matrix, right: Floats) -> Floats:
    """Solution of a symmetric system in which a ring is coupled with itself and the two on either side at most."""
    entries = sparse.tril(matrix).tocoo()
    band = np.zeros((3 * ANGLES, matrix.shape[0]))
    band[entries.row - entries.col, entries.col] = entries.data
    return np.asarray(linalg.solveh_banded(band, right, lower=True, overwrite_ab=True, check_finite=False))


def _interpolation(row: Floats, column: Floats, rows: int) -> Matrix:
    """Sparse matrix that reads a (rows, ANGLES) table, cyclic in angle, bilinearly at fractional places."""
    upper, left = np.clip(row.astype(np.int64), 0, rows - 2), np.floor(column).astype(np.int64)
    down, right = row - upper, column - left
    weights = np.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], axis=1)
    columns = (left[:, None] + [0, 1, 0, 1]) % ANGLES
    places = (upper[:, None] + [0, 0, 1, 1]) * ANGLES + columns
    start = np.arange(0, weights.size + 1, 4)
    return sparse.csr_matrix((weights.ravel(), places.ravel(), start), shape=(len(row), rows * ANGLES))


def _roughness(radius: Floats, step: float, detail_mm: float) -> Matrix:
    """Penalty matrix: surface integral of detail^4 (d2r/ds2)^2 + detail^6 (d3r/dt3 + (dr/dt)/r^2)^2.

    s along, t = r x angle around; the first part leaves cones free, the second circles and shifted circles.
    """
    turn = 2 * np.pi / ANGLES
    rows = len(radius)
    bend = sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(rows - 2, rows)) / step**2
    same = sparse.identity(ANGLES)
    next_one = sparse.csr_matrix((np.ones(ANGLES), (np.arange(ANGLES), np.roll(np.arange(ANGLES), -1))))
    ripple = (next_one - same) / turn @ ((next_one + next_one.T - 2 * same) / turn**2 + same)
    safe = np.maximum(radius, 1.0)
    area = safe * turn * step
    along = sparse.kron(sparse.diags(np.sqrt(area[1:-1])) @ bend, same) * detail_mm**2
    around = sparse.kron(sparse.diags(np.sqrt(area) / safe**3), ripple) * detail_mm**3
    return along.T @ along + around.T @ around
