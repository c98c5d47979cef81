"""A rigid motion about a centre, RAS+ mm: p -> R (p - centre) + centre + translation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Motion:
    rotation: Floats
    """(3, 3)"""
    centre: Floats
    translation: Floats

    @classmethod
    def none(cls, centre: ArrayLike) -> Motion:
        return cls(np.eye(3), np.asarray(centre, dtype=np.float64), np.zeros(3))

    def __call__(self, points: Floats) -> Floats:
        """Moved points (..., 3)."""
        return np.asarray((points - self.centre) @ self.rotation.T + self.centre + self.translation)

    def after_undoing(self, step: Floats) -> Motion:
        """This motion after the inverse of a small one: `step` is its translation (3) and rotation vector (3, rad)."""
        rotation = self.rotation @ rotation_about(step[3:]).T
        return Motion(rotation, self.centre, self.translation - rotation @ step[:3])

    def angles_deg(self) -> Floats:
        """Angles about x, y and z, applied in this order: R = Rz Ry Rx."""
        r = self.rotation
        about_x, about_z = np.arctan2(r[2, 1], r[2, 2]), np.arctan2(r[1, 0], r[0, 0])
        about_y = np.arcsin(np.clip(-r[2, 0], -1.0, 1.0))
        return np.array([np.degrees(float(angle)) for angle in (about_x, about_y, about_z)], dtype=np.float64)


def rotation_about(vector: ArrayLike) -> Floats:
    """Rotation by |vector| radians about its direction (Rodrigues), (3, 3)."""
    x, y, z = np.asarray(vector, dtype=np.float64)
    angle = float(np.sqrt(x * x + y * y + z * z))
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    if angle < 1e-12:
        return np.asarray(np.eye(3) + cross)
    return np.asarray(np.eye(3) + np.sin(angle) / angle * cross + (1 - np.cos(angle)) / angle**2 * cross @ cross)
