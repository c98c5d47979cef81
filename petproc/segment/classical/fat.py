"""What surrounds a vessel: fat, or in lean people tissue that is hardly darker than blood. HU around the outer wall.

The wall lies halfway between blood and what is outside. Where fat is plentiful a thin dark layer is blurred fat, and
halfway to fat is right; where none is anywhere, halfway to fat would be found a millimetre too far out, at the lung.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FAT_HU = -100.0
LUNG_NEAR_HU = -130.0
"""Darker than any fat: lung is near."""
DARKEST_SHARE = 10.0
"""Percentile of what is seen around a whole vessel: somewhere most people have fat beside it."""
DARKEST_HU, OUTSIDE_HU = (-70.0, -25.0, 5.0), (FAT_HU, -5.0, 20.0)
"""The darkest surroundings seen (blurred, noisy) and what they are made of."""
NOISE_HU, DARKER_PER_NOISE = 6.5, 3.2
"""Noise of the profiles, SD, that this holds for; noise beyond it makes their darkest places darker (simulated)."""


def surroundings_hu(dark: NDArray[np.float32] | NDArray[np.float64], *, noise_hu: float = 0.0) -> float:
    """HU of what surrounds a vessel, from the darkest place outside the wall in every direction (n, angle).

    `noise_hu` is the standard deviation of the profiles in which these places were looked for.
    """
    known = dark[dark > LUNG_NEAR_HU]
    if len(known) == 0:
        return FAT_HU
    darkest = float(np.percentile(known, DARKEST_SHARE)) + DARKER_PER_NOISE * max(0.0, noise_hu - NOISE_HU)
    return float(np.interp(darkest, DARKEST_HU, OUTSIDE_HU))
