"""Sections across a tubular mask, finer than its voxels.

A section is polar: the distance from a point of the line to the wall in `ANGLES` directions across the line, where
the linearly interpolated mask falls below one half. World space is RAS+ mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.grid import Grid

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

ANGLES = 48
RAY_MM = 1.0
RAY_MAX_MM = 40.0
BRANCH = 1.35
"""A ray this much longer than the section's median ray has left through a branch."""


@dataclass(frozen=True, eq=False)
class Sections:
    """`rays` (n, ANGLES) mm from `points` (n, 3) to the end of the mask along unit `directions` (n, ANGLES, 3)."""

    points: Floats
    directions: Floats
    rays: Floats

    @property
    def walls(self) -> Floats:
        """`rays`, those through a branch replaced by the section's median."""
        usual = np.median(self.rays, axis=1, keepdims=True)
        return np.asarray(np.where(self.rays > BRANCH * usual, usual, self.rays))

    def radii(self) -> Floats:
        """Radius of the circle of equal area, (n,) mm."""
        return np.asarray(np.sqrt((self.walls**2).mean(axis=1)))

    def widths(self) -> Floats:
        """Largest width of each section through its point, (n,) mm."""
        return np.asarray((self.rays + np.roll(self.rays, ANGLES // 2, axis=1)).max(axis=1))

    def centroids(self) -> Floats:
        """Centroids of the sections, (n, 3)."""
        area = np.maximum((self.walls**2).sum(axis=1), 1e-9)[:, None]
        moment = (self.walls[..., None] ** 3 * self.directions).sum(axis=1)
        return np.asarray(self.points + 2.0 / 3.0 * moment / area)


@dataclass(frozen=True, eq=False)
class Solid:
    """A mask cut to its surroundings: `field` is 1 inside and 0 outside, with one voxel of nothing around it."""

    field: NDArray[np.float32]
    grid: Grid

    @classmethod
    def of(cls, mask: Mask, grid: Grid) -> Solid:
        low, high = [], []
        for axis in range(3):
            seen = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
            low.append(int(seen[0]))
            high.append(int(seen[-1]) + 1)
        field = np.pad(mask[tuple(map(slice, low, high))], 1).astype(np.float32)
        affine = grid.affine.copy()
        affine[:3, 3] = grid.to_mm(np.array(low) - 1)
        return cls(field, Grid(field.shape, affine))

    def at(self, mm: Floats) -> NDArray[np.float32]:
        """The mask between its voxels, linearly interpolated, at RAS+ mm (..., 3)."""
        index = np.moveaxis(self.grid.to_index(mm), -1, 0)
        return np.asarray(ndimage.map_coordinates(self.field, index, order=1))

    def holds(self, mm: Floats) -> Mask:
        return np.asarray(self.at(mm) >= 0.5)

    def sections(self, line: Floats) -> Sections:
        """Sections across `line` (n, 3)."""
        across, up = _frames(line)
        angle = np.arange(ANGLES)[:, None] * 2 * np.pi / ANGLES
        directions = np.cos(angle) * across[:, None] + np.sin(angle) * up[:, None]
        reach = np.arange(0.0, RAY_MAX_MM + RAY_MM, RAY_MM)
        rays = np.stack([self._exits(point, ways, reach) for point, ways in zip(line, directions, strict=True)])
        return Sections(line, directions, rays)

    def _exits(self, point: Floats, ways: Floats, reach: Floats) -> Floats:
        """Where rays from `point` along `ways` (ANGLES, 3) leave the mask for the first time, (ANGLES,) mm."""
        value = self.at(point + reach[:, None, None] * ways)
        if value[0, 0] < 0.5:
            return np.zeros(len(ways))
        # Within half a voxel of an end the interpolated mask is low everywhere and says nothing about the wall.
        value /= value[0]
        out = np.maximum((value < 0.5).argmax(axis=0), 1)
        ray = np.arange(len(ways))
        before, after = value[out - 1, ray], value[out, ray]
        share = np.clip((before - 0.5) / np.maximum(before - after, 1e-9), 0.0, 1.0)
        return np.asarray(reach[out - 1] + share * RAY_MM, dtype=np.float64)


def _frames(line: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors across the line at each point, (n, 3) each, that turn no more than the line itself does."""
    tangents = np.gradient(line, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    across = np.empty_like(tangents)
    previous = np.eye(3)[np.abs(tangents[0]).argmin()]
    for n, tangent in enumerate(tangents):
        previous = previous - (previous @ tangent) * tangent
        previous = previous / np.linalg.norm(previous)
        across[n] = previous
    return across, np.cross(tangents, across)
