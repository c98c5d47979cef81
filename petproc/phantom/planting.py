"""Make a follow-up whose measured change is known: how much wall uptake gives a wanted mean TBRmax.

PET = rest + s * wall, so that the perfect reader's mean TBRmax is a convex, piecewise linear function of s over an
almost constant blood pool, and s is found by halving an interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Refusal
from petproc.phantom.scan import Parts
from petproc.reference import blood_voxels, slices_of

TOLERANCE = 1e-9
SCALE_MAX = 16.0


def wall_scale_for(parts: Parts, region: str, mean_tbr_max: float) -> float:
    """The s at which the noise-free perfect reader finds `mean_tbr_max` in `region`; a `Refusal` where none does."""
    grid = parts.grid.pet_grid()
    slices = [voxels.index for voxels in slices_of(region, parts.geometry, grid) if voxels.counts]
    blood = _values(parts, blood_voxels(parts.geometry, grid))
    walls = [_values(parts, index) for index in slices]

    def measured(scale: float) -> float:
        highest = [float((rest + scale * wall).max()) for rest, wall in walls]
        return float(np.mean(highest)) / float((blood[0] + scale * blood[1]).mean())

    low, high = 0.0, SCALE_MAX
    if not measured(low) < mean_tbr_max < measured(high):
        raise Refusal(
            "change-impossible",
            f"No wall uptake gives a mean TBRmax of {mean_tbr_max:.3f} in {region}.",
            "Ask for a smaller change.",
        )
    while high - low > TOLERANCE:
        middle = (low + high) / 2
        low, high = (middle, high) if measured(middle) < mean_tbr_max else (low, middle)
    return (low + high) / 2


def _values(parts: Parts, index: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    at = tuple(index.T)
    return parts.rest[at].astype(np.float64), parts.wall[at].astype(np.float64)
