"""The offset of the neck, the chest and the abdomen, each by itself.

A head that was turned between CT and PET, or another breath, moves one of them and not the others. What is estimated is
a shift of the whole region on top of the body's motion. A turn of the neck about its own long axis is not: it is nearly
round, and its shift is told less surely along its axis than across, which the uncertainty shows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petproc.align.anatomy import Anatomy, Mask
from petproc.align.level import Level, fitted
from petproc.align.motion import Motion
from petproc.align.spread import slabs_and_sides, standard_error
from petproc.core.grid import Floats
from petproc.core.results import Point, RegionOffset

NECK, CHEST, ABDOMEN = "neck", "chest", "abdomen"
NECK_HALF_MM = 80.0
"""so far to either side of the middle of the lungs; shoulders and arms are further out"""
HEIGHT_MIN_MM = 40.0
PLACES_MIN = 400


def offsets(level: Level, motion: Motion, anatomy: Anatomy) -> dict[str, RegionOffset]:
    """By region; one that cannot be told has a reason instead of an offset."""
    where = parts_of(level.places, anatomy)
    if not where:
        unknown = RegionOffset(reason="no lung in view to tell neck, chest and abdomen by")
        return dict.fromkeys((NECK, CHEST, ABDOMEN), unknown)
    return {region: _offset(level, motion, own) for region, own in where.items()}


def parts_of(places: Floats, anatomy: Anatomy) -> dict[str, Mask]:
    """Which places (n, 3) are in the neck, above the tips of the lungs and so about the clavicles; in the chest, down
    to the diaphragm, half way between its domes and its lowest recess; in the abdomen. Empty where no lung tells."""
    if anatomy.lungs is None:
        return {}
    x, height = places[:, 0], places[:, 2]
    neck = (height > anatomy.lungs.top) & (np.abs(x - anatomy.lungs.middle) < NECK_HALF_MM)
    abdomen = height < (anatomy.lungs.dome + anatomy.lungs.bottom) / 2
    return {NECK: neck, CHEST: (height <= anatomy.lungs.top) & ~abdomen, ABDOMEN: abdomen}


def _offset(level: Level, motion: Motion, own: Mask) -> RegionOffset:
    places = level.places[own]
    if len(places) < PLACES_MIN or np.ptp(places[:, 2]) < HEIGHT_MIN_MM:
        return RegionOffset(reason="too little of it in view")
    part = level.part(own)
    local, settled = fitted(part, motion, turning=False)
    if not settled:
        return RegionOffset(reason="CT and PET do not settle on one offset")
    error = standard_error(part, local, slabs_and_sides(places), turning=False)
    middle = places.mean(axis=0)
    return RegionOffset(
        at_mm=_point(middle),
        offset_mm=_point(local(middle) - middle),
        uncertainty_mm=round(float(np.linalg.norm(error)), 3),
    )


def _point(values: NDArray[np.float64]) -> Point:
    x, y, z = (round(float(value), 3) + 0.0 for value in values)
    return x, y, z
