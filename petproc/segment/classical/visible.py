"""How much of a vessel's wall can be seen: where it gets darker outside than noise makes it.

A thin plane of fat between two vessels is blurred to a few ten HU below blood: a reader sees it, and so does the
surface, once noise is averaged along the vessel. What counts as darker therefore follows the noise within the vessel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.volume import Volume
from petproc.segment.classical.surface import Surface, angles
from petproc.segment.classical.window import Blood

Floats = NDArray[np.float64]

OUTSIDE_MM = np.arange(0.0, 5.1)
INSIDE = np.arange(0.1, 0.71, 0.1)
"""Shares of the radius at which blood and its noise are read."""
SMOOTH = (2.0, 1.5, 0.0)
"""Gaussian over stations and angles, of HU within the blood's range, so that dark neighbours spread less."""
NOISE_TIMES, LEAST_HU = 3.0, 20.0
"""A wall is visible where it gets darker than blood by three standard deviations of what noise is left, and by 20 HU
at least."""


def visible_fraction(image: Volume, surface: Surface, *, blood: Blood) -> Floats:
    """Share (n,) of directions in which the wall of `surface` is visible in `image` (2 mm cubes) within 5 mm;
    where these leave the image it is not."""
    beyond = _places(image, surface, surface.radii_mm[:, :, None] + OUTSIDE_MM)
    outside = _smooth(_read(image, beyond), blood)
    inside = _smooth(_read(image, _places(image, surface, surface.radii_mm[:, :, None] * INSIDE)), blood)
    level = np.median(inside, axis=(1, 2))
    noise = 1.4826 * float(np.median(np.abs(inside - level[:, None, None])))
    darker = level[:, None] - outside.min(axis=2)
    in_view = ((beyond >= -0.5) & (beyond <= np.array(image.grid.shape) - 0.5)).all(axis=(2, 3))
    return np.asarray((in_view & (darker > max(LEAST_HU, NOISE_TIMES * noise))).mean(axis=1))


def _places(image: Volume, surface: Surface, rho: Floats) -> Floats:
    """Voxels (n, angle, m, 3) of `image` at distances `rho` (n, angle, m) from the centreline."""
    turn = angles()[None, :, None]
    rays = surface.normals[:, None] * np.cos(turn) + surface.binormals[:, None] * np.sin(turn)
    return image.grid.to_index(surface.points_mm[:, None, None] + rays[:, :, None] * rho[..., None])


def _read(image: Volume, places: Floats) -> NDArray[np.float32]:
    return np.asarray(
        ndimage.map_coordinates(image.data, np.moveaxis(places, 3, 0), np.float32, order=1, mode="nearest")
    )


def _smooth(hu: NDArray[np.float32], blood: Blood) -> Floats:
    clipped = np.clip(hu, blood.hu - blood.half_hu, blood.hu + 2 * blood.half_hu)
    return np.asarray(ndimage.gaussian_filter(clipped, SMOOTH, mode=("nearest", "wrap", "nearest")), dtype=np.float64)
