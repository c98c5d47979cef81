"""The aorta as one tube with the flow: ascending aorta, arch, descending and abdominal aorta, split by our one rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.errors import Refusal
from petproc.core.results import Point
from petproc.core.volume import Volume
from petproc.segment.airway import Airway
from petproc.segment.classical.descending import (
    BELOW_CARINA_MIN_MM,
    LENGTH_MIN_MM,
    Descending,
    find_descending,
)
from petproc.segment.classical.spine import find_spine
from petproc.segment.classical.surface import Surface, fit_surface
from petproc.segment.classical.thoracic import Thoracic, find_thoracic
from petproc.segment.classical.window import Track
from petproc.segment.parts import split_aorta
from petproc.segment.stations import arc_length
from petproc.segment.torso import STEP_MM, Torso

Floats = NDArray[np.float64]

SPREAD_MM = (0.8, 1.7)
BELOW_CARINA_MM = 6.0
ROOM_ABOVE_CARINA_MM = 25.0
FOOT_MM = 10.0
CIRCLE = 0.3
"""Circle score below which the ascending aorta is still the root, which is no circle."""


@dataclass(frozen=True, eq=False)
class Aorta:
    """`surface` with the region of each of its points; `thoracic` None where only the descending limb was found."""

    surface: Surface
    regions: tuple[str, ...]
    descending: Descending
    thoracic: Thoracic | None


def find_aorta(ct: Volume, torso: Torso, airway: Airway | None, *, scan: str) -> Aorta:
    """The aorta of `ct`, or a `Refusal` as `too-little-in-view` or `no-aorta-in-view`."""
    _long_enough(torso, scan)
    spine = find_spine(torso)
    carina_k = None if airway is None else carina_slice(torso, airway.carina)
    top = torso.image.grid.shape[2] - 1 if carina_k is None else carina_k - round(BELOW_CARINA_MM / STEP_MM)
    shortest = LENGTH_MIN_MM if carina_k is None else BELOW_CARINA_MIN_MM
    descending = None if spine is None else find_descending(torso, spine, top=top, length_min_mm=shortest)
    if spine is None or descending is None:
        raise Refusal(
            "no-aorta-in-view",
            "No aorta was found on the CT: nothing beside the spine looks like a vessel for 60 mm or more.",
            "Exclude the scan with a reason, or give masks with the imported backend.",
            scan,
        )
    thoracic = None
    if carina_k is not None and _room_above(torso, carina_k):
        thoracic = _rooted(find_thoracic(torso, spine, descending, carina_k=carina_k))
    points, radii = _joined(torso, descending.path, thoracic)
    surface = fit_surface(ct, points, radii, blood=descending.blood, spread_mm=SPREAD_MM)
    regions = split_aorta(
        surface.points_mm,
        carina=airway.carina if airway else None,
        lung_beside=torso.lung_beside(surface.points_mm),
    )
    return Aorta(surface, regions, descending, thoracic)


def _long_enough(torso: Torso, scan: str) -> None:
    height_mm = torso.image.grid.shape[2] * STEP_MM
    if height_mm < LENGTH_MIN_MM:
        raise Refusal(
            "too-little-in-view",
            f"The CT shows {height_mm:.0f} mm of the body: too little for a vessel to be followed.",
            f"Give a CT of {LENGTH_MIN_MM:.0f} mm or more, or masks with the imported backend.",
            scan,
        )


def carina_slice(torso: Torso, carina: Point) -> int:
    return round(float(torso.image.grid.to_index(carina)[2]))


def arch_scores(aorta: Aorta, carina: Point) -> dict[str, float]:
    """What the arch is judged by: the cost per step of its path through blood, the tube's length between the places
    10 mm below the carina on either side, and how far it rises above the carina."""
    if aorta.thoracic is None or "aortic_arch" not in aorta.regions:
        return {}
    points = aorta.surface.points_mm
    above = np.flatnonzero(points[:, 2] > carina[2] - FOOT_MM)
    return {
        "path_cost": aorta.thoracic.path_cost,
        "path_length_mm": float(arc_length(points[above[0] : above[-1] + 1])[-1]),
        "apex_above_carina_mm": float(points[:, 2].max() - carina[2]),
    }


def _room_above(torso: Torso, carina_k: int) -> bool:
    return (torso.image.grid.shape[2] - carina_k) * STEP_MM > ROOM_ABOVE_CARINA_MM


def _rooted(thoracic: Thoracic) -> Thoracic:
    """Without the lowest slices, in which no circle fits: the root and the heart."""
    smooth = ndimage.uniform_filter1d(thoracic.ascending.scores, 3, mode="nearest")
    unlike = np.flatnonzero(smooth < CIRCLE)
    start = int(unlike[-1]) + 1 if len(unlike) and unlike[-1] < len(smooth) - 4 else 0
    return Thoracic(thoracic.ascending[start:], thoracic.arch, thoracic.path_cost)


def _joined(torso: Torso, descending: Track, thoracic: Thoracic | None) -> tuple[Floats, Floats]:
    """Points (n, 3) in RAS+ mm with the flow, and radii (n,) in mm; along the arch from the one to the other."""
    if thoracic is None:
        return torso.image.grid.to_mm(descending.voxels), descending.radii_mm
    arch = thoracic.arch[2:-2]
    between = np.linspace(thoracic.ascending.radii_mm[-1], descending.radii_mm[0], len(arch))
    voxels = np.concatenate([thoracic.ascending.voxels, arch, descending.voxels])
    radii = np.concatenate([thoracic.ascending.radii_mm, between, descending.radii_mm])
    return torso.image.grid.to_mm(voxels), radii
