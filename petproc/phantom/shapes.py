"""Signed distances of simple shapes in body space (mm, - inside), each evaluated only in its bounding box.

Distances of ellipsoids and columns are exact at the surface and good to a few per cent within 10 mm of it, which is
all that drawing a soft edge needs; those of tubes are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.spatial import cKDTree

from petproc.phantom.space import Box, Floats, Lattice

Distance = tuple[Box, NDArray[np.float32]]
STEP_MM = 0.5
"""Between samples of a centreline: a union of spheres is then within 0.01 mm of the tube."""
FAR = 99.0


@dataclass(frozen=True, eq=False)
class Tube:
    """A vessel: centreline `points` (N, 3) and outer `radius` (N,), sampled every `STEP_MM`, body space."""

    points: Floats
    radius: Floats

    @classmethod
    def through(cls, controls: Sequence[tuple[float, float, float, float]]) -> Tube:
        """Smooth curve through control points (x, y, z, radius)."""
        rows = np.asarray(controls, dtype=float)
        knots = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(rows[:, :3], axis=0), axis=1))]
        curve = CubicSpline(knots, rows[:, :3], bc_type="natural")
        dense = np.linspace(0.0, knots[-1], max(2, int(knots[-1] / 0.05)))
        arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(curve(dense), axis=0), axis=1))]
        even = np.interp(np.arange(0.0, arc[-1], STEP_MM), arc, dense)
        return cls(curve(even), np.asarray(PchipInterpolator(knots, rows[:, 3])(even)))

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points)

    @cached_property
    def arc(self) -> Floats:
        """Length along the centreline from its first point, shape (N,)."""
        return np.asarray(np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(self.points, axis=0), axis=1))])

    @cached_property
    def tangent(self) -> Floats:
        """Unit direction of the centreline, shape (N, 3)."""
        direction: Floats = np.asarray(np.gradient(self.points, axis=0))
        return np.asarray(direction / np.linalg.norm(direction, axis=1, keepdims=True))

    def nearest(self, points: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Signed distance (M,) to the outer wall and the index of the nearest centreline sample (M,)."""
        distance, sample = self._tree.query(points)
        return np.asarray(distance - self.radius[sample]), sample


def tube(lattice: Lattice, vessel: Tube, *, reach: float = 4.0, grow: float = 0.0) -> Distance:
    """Distance to a tube whose radius is grown by `grow`, right within `reach` of its surface and `FAR` beyond."""
    half = (vessel.radius + grow + reach)[:, None]
    box = lattice.box((vessel.points - half).min(axis=0), (vessel.points + half).max(axis=0))
    x, y, z = lattice.xyz(box)
    sd = np.full((x.shape[0], x.shape[1], z.shape[2]), FAR, np.float32)
    if not sd.size:
        return box, sd
    points, radius = vessel.points[::2].astype(np.float32), (vessel.radius[::2] + grow).astype(np.float32)
    first, last = lattice.spans(vessel.points[::2], radius + np.float32(reach))
    corner = np.array([side.start for side in box])
    first, last = np.maximum(first - corner, 0), np.maximum(last - corner, 0)
    for centre, near, low, high in zip(points, radius, first, last, strict=True):
        i, j, k = slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])
        away = np.sqrt((x[i, j] - centre[0]) ** 2 + (y[i, j] - centre[1]) ** 2 + (z[:, :, k] - centre[2]) ** 2)
        away -= near
        np.minimum(sd[i, j, k], away, out=sd[i, j, k])
    return box, sd


def ellipsoid(
    lattice: Lattice,
    centre: ArrayLike,
    radii: ArrayLike,
    *,
    axis: ArrayLike | None = None,
    reach: float = 4.0,
) -> Distance:
    """Ellipsoid with half axes `radii`; with `axis` the first half axis lies along it and the second is the others'."""
    middle, half = np.asarray(centre, dtype=np.float32), np.asarray(radii, dtype=np.float32)
    extent = np.full(3, half.max()) if axis is not None else half
    box = lattice.box(middle - extent - reach, middle + extent + reach)
    x, y, z = lattice.xyz(box)
    x, y, z = x - middle[0], y - middle[1], z - middle[2]
    if axis is None:
        rho = np.sqrt((x / half[0]) ** 2 + (y / half[1]) ** 2 + (z / half[2]) ** 2)
    else:
        u = np.asarray(axis, dtype=np.float32) / np.float32(np.linalg.norm(axis))
        along = x * u[0] + y * u[1] + z * u[2]
        across2 = x**2 + y**2 + z**2 - along**2
        rho = np.sqrt((along / half[0]) ** 2 + np.maximum(across2, 0) / half[1] ** 2)
    return box, ((rho - 1.0) * half.min()).astype(np.float32)


def column(x: NDArray[Any], y: NDArray[Any], half_x: NDArray[Any], half_y: NDArray[Any]) -> NDArray[np.float32]:
    """Distance to an upright elliptical column; `half_x` and `half_y` may change with z."""
    rho = np.sqrt((x / half_x) ** 2 + (y / half_y) ** 2)
    rho -= np.float32(1.0)
    rho *= np.minimum(half_x, half_y)
    return np.asarray(rho, dtype=np.float32)
