"""Bed positions: when each PET plane is acquired, and how blood clears and the wall takes up meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from petproc.phantom.person import Dialect

BED_PLANES = 45
BLOOD_PER_MIN = -0.0022
WALL_PER_MIN = 0.0010
"""Relative change of activity (decay-corrected) a minute, around two hours after injection."""
NOMINAL_MIN = 120.0
DURATION_S: dict[Dialect, float] = {"siemens": 240.0, "ge": 300.0}
STEP_S: dict[Dialect, float] = {"siemens": 245.0, "ge": 302.0}


@dataclass(frozen=True, eq=False)
class Beds:
    """From the thighs to the neck: bed of every plane k (K,), start of every bed in s after the first, duration."""

    of_plane: NDArray[np.int64]
    start_s: tuple[float, ...]
    duration_s: float

    def plane_start_s(self) -> NDArray[np.float64]:
        return np.asarray(self.start_s)[self.of_plane]

    def times(self, first: datetime) -> tuple[datetime, ...]:
        return tuple(first + timedelta(seconds=float(seconds)) for seconds in self.plane_start_s())


def beds(planes: int, dialect: Dialect) -> Beds:
    of_plane = np.arange(planes) // BED_PLANES
    starts = tuple(float(STEP_S[dialect] * bed) for bed in range(int(of_plane[-1]) + 1))
    return Beds(of_plane, starts, DURATION_S[dialect])


def blood_factor(uptake_min: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.exp(BLOOD_PER_MIN * (uptake_min - NOMINAL_MIN)).astype(np.float32)


def wall_factor(uptake_min: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(1.0 + WALL_PER_MIN * (uptake_min - NOMINAL_MIN), dtype=np.float32)
