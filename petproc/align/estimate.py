"""Rigid offset between PET and CT by the correlation ratio, from coarse to fine, with its uncertainty and by region.

Nothing is drawn at random and nothing runs in parallel, so the same images give the same bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petproc.align.anatomy import Anatomy, anatomy_of, points_of
from petproc.align.findings import farthest, findings_of, findings_of_regions, left_mm, too_far
from petproc.align.level import Level, fitted, sampled
from petproc.align.motion import Motion
from petproc.align.regions import NECK, offsets, parts_of
from petproc.align.spread import slabs_and_sides, standard_error
from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.grid import Floats, Grid
from petproc.core.results import Alignment, Point
from petproc.core.volume import Volume
from petproc.settings import AlignSettings

LEVELS_MM = (10.0, 3.0)
"""standard deviation of the smoothing of both images, from coarse to fine"""
HOT = 6.0
"""times the body's median: more uptake is not more anatomy"""
SHARE_MIN = 0.3
"""of the CT's body that the PET must hold"""


def estimate_alignment(
    pet: Volume, ct: Volume, *, settings: AlignSettings, acquisition: PetAcquisition | None, scan: str
) -> Alignment:
    """Motion from CT to PET. Refused as `pet-ct-apart` where the PET does not hold the body that the CT shows, and, if
    `settings.refuse`, as `pet-ct-misaligned` where neck or chest is off by more than `settings.fail_mm`.

    `acquisition` tells which slices were acquired together; without it the body is cut into slabs of equal height.
    """
    anatomy = anatomy_of(ct)
    body = points_of(anatomy.body, anatomy.grid)
    uptake = _uptake(pet, body, scan)
    motion = Motion.none(body.mean(axis=0))
    settled = False
    for sigma in LEVELS_MM:
        level = Level.of(anatomy, uptake, pet.grid, sigma)
        trunk = _without_neck(level, anatomy)
        motion, settled = fitted(trunk, motion)
    parts = _parts(trunk.places, motion, pet.grid, acquisition)
    error = standard_error(trunk, motion, parts)
    uncertainty = float(np.linalg.norm(error[:3]))
    certain = settled and uncertainty <= settings.warn_mm
    applied = settings.apply and certain
    regions = offsets(level, motion, anatomy)
    left = left_mm(regions, motion, applied=applied)
    if settings.refuse and (excess := too_far(regions, left, settings)):
        raise Refusal(
            "pet-ct-misaligned",
            f"PET and CT are more than {settings.fail_mm:g} mm apart in the {' and in the '.join(excess)}.",
            "Look at the images; have the PET reconstructed with a matching CT, or set align.apply or align.refuse.",
            scan,
        )
    off = farthest(motion, trunk.places, parts // 2)
    told = off > settings.warn_mm and not applied
    return Alignment(
        translation_mm=_rounded(motion.translation, 3),
        rotation_deg=_rounded(motion.angles_deg(), 4),
        centre_mm=_rounded(motion.centre, 3),
        uncertainty_mm=round(uncertainty, 3),
        applied=applied,
        rotation_uncertainty_deg=round(float(np.degrees(np.linalg.norm(error[3:]))), 4),
        regions=regions,
        findings=(
            *findings_of(motion, off, uncertainty, certain=certain, settings=settings),
            *findings_of_regions(regions, left, settings, told=told),
        ),
    )


def _without_neck(level: Level, anatomy: Anatomy) -> Level:
    """A head that was turned moves the neck but no vessel of the trunk; the neck has an offset of its own."""
    where = parts_of(level.places, anatomy)
    return level.part(~where[NECK]) if where else level


def _uptake(pet: Volume, body: Floats, scan: str) -> NDArray[np.float32]:
    """Activity over its median in the body."""
    activity, within = sampled(pet.data.astype(np.float32, copy=False), pet.grid, body)
    usual = float(np.median(activity[within])) if within.mean() >= SHARE_MIN else 0.0
    if usual <= 0.0:
        raise Refusal(
            "pet-ct-apart",
            f"The PET covers {100 * within.mean():.0f} % of the body on the CT and shows no body there."
            if within.mean() >= SHARE_MIN
            else f"The PET covers only {100 * within.mean():.0f} % of the body on the CT.",
            "Check that this CT belongs to this PET, or exclude the scan with a reason.",
            scan,
        )
    return np.asarray(np.clip(pet.data / usual, 0.0, HOT), dtype=np.float32)


def _parts(places: Floats, motion: Motion, pet: Grid, acquisition: PetAcquisition | None) -> NDArray[np.intp]:
    """Number of the part of the body to which each place belongs: its bed, and left or right."""
    plane = np.rint(pet.to_index(motion(places))[:, 2]).astype(int)
    if acquisition is not None and len(set(acquisition.slice_acquisition_time)) > 1:
        times = sorted(set(acquisition.slice_acquisition_time))
        bed_of_slice = np.array([times.index(time) for time in acquisition.slice_acquisition_time])
        bed = bed_of_slice[np.clip(plane, 0, pet.shape[2] - 1)]
    else:
        return slabs_and_sides(places)
    return np.asarray(2 * bed + (places[:, 0] > motion.centre[0]))


def _rounded(values: Floats, digits: int) -> Point:
    x, y, z = (round(float(value), digits) + 0.0 for value in values)
    return x, y, z
