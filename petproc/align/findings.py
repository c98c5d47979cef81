"""What is said of an offset: noticed above one limit, and too large to measure in neck or chest above another.

Limits are judged on what is left of the offset where vessels are read: all of it, unless the motion is applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from petproc.align.motion import Motion
from petproc.align.regions import CHEST, NECK
from petproc.core.errors import Finding
from petproc.core.grid import Floats
from petproc.core.results import RegionOffset
from petproc.settings import AlignSettings


def left_mm(regions: Mapping[str, RegionOffset], motion: Motion, *, applied: bool) -> dict[str, float]:
    """How far each region is off after the correction, where it is known."""
    left = {}
    for region, found in regions.items():
        if found.offset_mm is not None and found.at_mm is not None:
            at = np.array(found.at_mm)
            corrected = motion(at) - at if applied else np.zeros(3)
            left[region] = float(np.linalg.norm(np.array(found.offset_mm) - corrected))
    return left


def findings_of(
    motion: Motion, farthest_mm: float, uncertainty_mm: float, *, certain: bool, settings: AlignSettings
) -> Iterator[Finding]:
    """Of the whole body; `farthest_mm` is how far its worst part is off."""
    if farthest_mm > settings.warn_mm:
        x, y, z = motion.translation
        turned = float(np.linalg.norm(motion.angles_deg()))
        yield Finding(
            "pet-ct-offset",
            f"The PET lies {abs(x):.1f} mm to the {'right' if x > 0 else 'left'}, {abs(y):.1f} mm to the "
            f"{'front' if y > 0 else 'back'} and {abs(z):.1f} mm {'up' if z > 0 else 'down'} from the CT, turned "
            f"by {turned:.1f} degrees (uncertainty {uncertainty_mm:.1f} mm); at worst {farthest_mm:.1f} mm apart. "
            "Look at the overlays.",
        )
    if not certain:
        yield Finding(
            "pet-ct-offset-uncertain",
            f"The offset between PET and CT is known to {uncertainty_mm:.1f} mm only, since parts of the body "
            f"disagree{' and the motion is not applied' if settings.apply else ''}. Look at the overlays.",
        )


def findings_of_regions(
    regions: Mapping[str, RegionOffset], left: Mapping[str, float], settings: AlignSettings, *, told: bool
) -> Iterator[Finding]:
    """Of neck, chest and abdomen, from `left_mm`; `told` says that the whole body was found to be off already."""
    for region, mm in left.items():
        uncertainty = regions[region].uncertainty_mm or 0.0
        if uncertainty > settings.warn_mm:
            if region == NECK:
                yield Finding(
                    "pet-ct-offset-neck-uncertain",
                    f"The offset between PET and CT in the neck is known to {uncertainty:.1f} mm only. "
                    "Look at the overlays of carotids and jugular veins.",
                )
        elif mm > settings.warn_mm and region == NECK:
            yield Finding(
                "pet-ct-offset-neck",
                f"In the neck PET and CT are {mm:.1f} mm apart (uncertainty {uncertainty:.1f} mm): carotids and "
                "jugular veins may be read beside their place. Look at their overlays.",
            )
        elif mm > settings.warn_mm and not told:
            yield Finding(
                "pet-ct-offset-region",
                f"In the {region} PET and CT are {mm:.1f} mm apart (uncertainty {uncertainty:.1f} mm), unlike in the "
                "rest of the body. Look at the overlays.",
            )
    if excess := too_far(regions, left, settings):
        yield Finding(
            "pet-ct-offset-too-large",
            f"PET and CT are more than {settings.fail_mm:g} mm apart in the {' and in the '.join(excess)}: vessels "
            "there should not be measured. Exclude the scan with a reason, or let a reader decide on the overlays.",
        )


def too_far(regions: Mapping[str, RegionOffset], left: Mapping[str, float], settings: AlignSettings) -> list[str]:
    """Of neck and chest those that are off by more than `settings.fail_mm`, as far as that is certain."""
    return [
        region
        for region in (NECK, CHEST)
        if left.get(region, 0.0) > settings.fail_mm and (regions[region].uncertainty_mm or 0.0) <= settings.warn_mm
    ]


def farthest(motion: Motion, places: Floats, bed: NDArray[np.intp]) -> float:
    """How far (mm) the part of the body that is worst off is moved on the mean; `bed` (n,) numbers the parts."""
    moved = motion(places) - places
    return max(float(np.linalg.norm(moved[bed == one].mean(axis=0))) for one in np.unique(bed))
