"""Flat pictures of volumes for a reader: planes through a vessel, and projections of the whole.

Radiological convention whatever the stored order of the axes: the patient's left on the right of the picture, front or
head up. A picture is indexed [row from the top, column from the left].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from petproc.core.grid import Floats, Grid

LEFT, BACK, UP = np.array([-1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
LETTERS = (("L", LEFT), ("R", -LEFT), ("P", BACK), ("A", -BACK), ("H", UP), ("F", -UP))
STEEP = 0.7
OBLIQUE = 0.4
"""A direction this much along another axis too is named with both letters."""


@dataclass(frozen=True, eq=False)
class Plane:
    """A square of `size_mm` around `centre`; unit vectors `right` and `up` of the picture, RAS+."""

    centre: Floats
    right: Floats
    up: Floats
    size_mm: float
    step_mm: float

    @classmethod
    def axial(cls, centre: ArrayLike, size_mm: float, step_mm: float) -> Plane:
        return cls(np.asarray(centre, dtype=np.float64), LEFT, -BACK, size_mm, step_mm)

    @classmethod
    def across(cls, centre: ArrayLike, tangent: ArrayLike, size_mm: float, step_mm: float) -> Plane:
        """Across a vessel: head up where it runs level, front up where it runs steeply; left, or back, to the right."""
        normal = np.asarray(tangent, dtype=np.float64)
        upright = UP if abs(normal @ UP) < STEEP else -BACK
        up = upright - (upright @ normal) * normal
        up /= np.linalg.norm(up)
        right = np.cross(up, normal)
        if right @ (LEFT + 0.5 * BACK) < 0:
            right = -right
        return cls(np.asarray(centre, dtype=np.float64), right, up, size_mm, step_mm)

    def places(self) -> Floats:
        """RAS+ mm of the picture's points, (n, n, 3)."""
        offset = np.arange(-self.size_mm / 2, self.size_mm / 2 + self.step_mm / 2, self.step_mm)
        return np.asarray(self.centre + offset[None, :, None] * self.right - offset[:, None, None] * self.up)

    def meets(self, grid: Grid) -> bool:
        """Whether the picture may show any of a grid's box; the box of its corners is what is asked."""
        half = self.size_mm / 2
        corners = [self.centre + a * half * self.right + b * half * self.up for a in (-1, 1) for b in (-1, 1)]
        index = grid.to_index(corners)
        return bool((index.max(axis=0) >= -0.5).all() and (index.min(axis=0) <= np.array(grid.shape) - 0.5).all())


def letters(direction: Floats) -> str:
    """The patient's direction in one or two letters: L R, P A, H F."""
    named = sorted(((float(direction @ axis), letter) for letter, axis in LETTERS), reverse=True)
    return "".join(letter for share, letter in named if share > OBLIQUE)[:2]


def seen(data: NDArray[np.generic], grid: Grid, plane: Plane, outside: float) -> NDArray[np.float32]:
    """Linearly interpolated values on a plane, `outside` beyond the volume, (n, n)."""
    index = np.moveaxis(grid.to_index(plane.places()), -1, 0)
    values = ndimage.map_coordinates(data, index, order=1, output=np.float32, mode="constant", cval=outside)
    return np.asarray(values)


@dataclass(frozen=True, eq=False)
class Box:
    """A box along the world's axes in steps of `step_mm`; `low` and `high` are the centres of its corner cells."""

    low: Floats
    high: Floats
    step_mm: float

    @classmethod
    def around(cls, grid: Grid, step_mm: float) -> Box:
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape])).reshape(3, -1).T
        places = grid.to_mm(corners)
        return cls(places.min(axis=0), places.max(axis=0), step_mm)

    @property
    def grid(self) -> Grid:
        affine = np.diag([self.step_mm] * 3 + [1.0])
        affine[:3, 3] = self.low
        i, j, k = (int(n) for n in np.floor((self.high - self.low) / self.step_mm + 1e-6) + 1)
        return Grid((i, j, k), affine)

    def extent(self, across: int) -> tuple[float, float, float, float]:
        """Edges of the picture for `imshow`, in mm along x (axis 0) or y (axis 1) and z: left, right, bottom, top."""
        half, grid = self.step_mm / 2, self.grid
        last = grid.to_mm(np.array(grid.shape) - 1)
        sides = (float(self.low[across] - half), float(last[across] + half))
        left, right = sides[::-1]  # the patient's right, or front, is on the left of the picture
        return left, right, float(self.low[2] - half), float(last[2] + half)

    def picture(self, projected: NDArray[np.generic]) -> NDArray[np.generic]:
        """A projection [x or y, z] as it is looked at: from the front, or from the left side."""
        return projected[::-1, ::-1].T

    def upright(self, data: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
        """A volume on the box's own grid, linearly interpolated."""
        own = self.grid
        matrix = np.linalg.inv(grid.affine) @ own.affine
        return np.asarray(
            ndimage.affine_transform(data, matrix[:3, :3], matrix[:3, 3], own.shape, order=1, mode="constant")
        )

    def silhouettes(self, places: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Shadows of places (n, 3) from the front [x, z] and from the side [y, z]."""
        index = np.rint((places - self.low) / self.step_mm).astype(int)
        index = index[((index >= 0) & (index < self.grid.shape)).all(axis=1)]
        shadows = []
        for across in (0, 1):
            shadow = np.zeros((self.grid.shape[across], self.grid.shape[2]), dtype=bool)
            shadow[index[:, across], index[:, 2]] = True
            shadows.append(ndimage.binary_closing(np.pad(shadow, 3), iterations=3)[3:-3, 3:-3])
        return shadows[0], shadows[1]
