"""How well a circle of blood fits across the finished centreline at every station, by the score of the tracking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.volume import Volume
from petproc.segment.classical.surface import Surface
from petproc.segment.classical.tracking import circle_scores
from petproc.segment.classical.window import Blood
from petproc.segment.torso import STEP_MM

Floats = NDArray[np.float64]

RADII_MM = np.arange(5.0, 23.0)
NEAR_MM = 1.5
HALF = 13
AVERAGE = 5
"""Stations over which the score is averaged (10 mm): a jump into another vessel lasts longer, noise does not."""


def ring_scores(image: Volume, surface: Surface, *, blood: Blood) -> Floats:
    """Scores (n,) at the points of `surface`, on sections (2 mm) of `image` across its centreline.

    The best within one pixel of the middle and 1.5 mm of the station's radius, averaged over 10 mm along the vessel.
    """
    scores = circle_scores(_sections(image, surface), RADII_MM, blood_hu=blood.hu, half_hu=blood.half_hu)
    middle = scores[:, :, HALF - 1 : HALF + 2, HALF - 1 : HALF + 2].max(axis=(2, 3))
    radius = np.clip(surface.equal_radius_mm, RADII_MM[0], RADII_MM[-1])
    near = np.abs(RADII_MM - radius[:, None]) <= NEAR_MM
    best = np.where(near, middle, -np.inf).max(axis=1)
    return np.asarray(ndimage.uniform_filter1d(best, AVERAGE, mode="nearest"))


def _sections(image: Volume, surface: Surface) -> NDArray[np.float32]:
    """The vessel straightened: (n, 27, 27) HU across its centreline, which is in the middle."""
    offset = np.arange(-HALF, HALF + 1) * STEP_MM
    plane = surface.normals[:, None, None] * offset[:, None, None] + surface.binormals[:, None, None] * offset[:, None]
    places = image.grid.to_index(surface.points_mm[:, None, None] + plane)
    return np.asarray(
        ndimage.map_coordinates(image.data, np.moveaxis(places, 3, 0), np.float32, order=1, mode="nearest")
    )
