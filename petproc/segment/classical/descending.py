"""Descending and abdominal aorta: a chain of circles beside and before the spine, from the carina to the iliac crest.

The position priors are dead bands: with a pull towards one place the path jumped to the inferior vena cava with a good
mean score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.segment.classical.spine import Spine
from petproc.segment.classical.window import Blood, Track, Window, beyond, follow, scores, track
from petproc.segment.torso import COARSE, STEP_MM, Torso

Floats = NDArray[np.float64]
Prior = NDArray[np.float32]

RADII_MM = np.array([6.0, 7, 8, 9, 10, 11, 12, 13, 14.5, 16, 18, 20, 22])
BLOOD = (Blood(40.0, 60.0), Blood(150.0, 82.0), Blood(300.0, 165.0))
"""Without contrast, in the venous phase, in the arterial phase."""
BEYOND_DOUBT, CLEARLY = 0.6, 0.05
"""Median circle score of a chain, and by how much one with contrast must be better."""
ROUGHLY = slice(1, None, 3)
"""Every third radius."""
FITS = 0.35
PENALTY = (0.3, 0.05, 0.05)
LUNG_CM2 = 10.0
TAPER = (0.86, 0.68)
"""Radius of the abdominal aorta from diaphragm to bifurcation over that of the descending aorta."""
WING_BONE_MM2, CREST_BONE_MM2 = 1200.0, 260.0
"""Bone beside the spine in one slice: more than the first is iliac wing and not rib, less than the second is waist."""
BELOW_CREST_MM, ABOVE_CREST_MM = 30.0, 60.0
"""The aorta divides at L3 to L5, the crests lie at L4."""
DIVIDES_DROP = 0.2
TURNS_ASIDE_MM = 5.0
"""An iliac artery runs as much to the side as down; phantoms and patients leave the line by 4 mm at most above it."""
LENGTH_MIN_MM, BELOW_CARINA_MIN_MM = 60.0, 30.0
"""Shortest chain that is an aorta; less will do where the carina says where it begins."""
FOUND_MEDIAN = 0.3
"""A chain of circles with a lower median score follows nothing."""


@dataclass(frozen=True, eq=False)
class Descending:
    """`path` from above downwards, and the blood by which it was found."""

    path: Track
    blood: Blood


def find_descending(torso: Torso, spine: Spine, *, top: int, length_min_mm: float = LENGTH_MIN_MM) -> Descending | None:
    """The chain from slice `top` of the 2 mm image down to where the aorta divides or the CT ends; None
    where nothing of at least `length_min_mm` looks like an aorta."""
    crest = crest_slice(torso, spine)
    bottom = 0 if crest is None else max(0, crest - round(BELOW_CREST_MM / STEP_MM))
    if (top - bottom) * STEP_MM < length_min_mm:
        return None
    k = np.arange(top, bottom - 1, -1)
    window = follow(torso.image, k, (spine.i[k], spine.j[k]), left=(-32, 64), front=(-34, 66))
    thorax = _lung_level(torso)[k]
    position = _position(window, thorax, spine.front_mm[k])
    score, path = _fitting(window, position)
    taper = _tapered(path, thorax)
    if taper is not None:
        path = track(window, RADII_MM, score, prior=position + taper, penalty=PENALTY)
    if crest is not None:
        path = undivided(path, crest)
    path = _ended(path)
    if len(path.scores) * STEP_MM < length_min_mm or np.median(path.scores) < FOUND_MEDIAN:
        return None
    return Descending(path, _own_blood(torso, path))


def _fitting(window: Window, position: Prior) -> tuple[NDArray[np.float32], Track]:
    """The circle scores for the blood that fits, and the chain of circles through them.

    A vein of blood without contrast beside an aorta with contrast is a chain too, if not where an aorta is expected:
    unless the chain without contrast is beyond doubt, the phases are compared, roughly.
    """

    def chain(blood: Blood, radii: slice) -> tuple[NDArray[np.float32], Track]:
        score = scores(window, RADII_MM[radii], blood)
        return score, track(window, RADII_MM[radii], score, prior=position[:, radii], penalty=PENALTY)

    score, path = chain(BLOOD[0], slice(None))
    if _merit(path, window, position) > BEYOND_DOUBT:
        return score, path
    merits = [_merit(chain(blood, ROUGHLY)[1], window, position) for blood in BLOOD]
    best = max(range(len(BLOOD)), key=lambda n: merits[n] - (CLEARLY if n else 0.0))
    return chain(BLOOD[best], slice(None)) if best else (score, path)


def _merit(path: Track, window: Window, position: Prior) -> float:
    """Median along the chain of how well the circles fit and lie where an aorta does."""
    radius = np.searchsorted(RADII_MM, path.radii_mm)
    a, b = (path.voxels[:, :2] - np.stack([window.first_i, window.first_j], axis=1)).astype(int).T
    return float(np.median(path.scores + position[np.arange(len(radius)), radius, a, b]))


def crest_slice(torso: Torso, spine: Spine) -> int | None:
    """The slice of the iliac crests, None where they are not in view."""
    image = torso.image.data
    lung = np.flatnonzero(_lung_level(torso))
    highest = image.shape[2] // 2 if len(lung) == 0 else int(lung[0] - 60.0 / STEP_MM)
    if highest < 6:
        return None
    bone = np.array([_lateral_bone_mm2(image[:, :, k], spine.i[k], spine.j[k]) for k in range(highest)])
    wing = np.flatnonzero(bone > WING_BONE_MM2)
    if len(wing) == 0:
        return None
    above = np.flatnonzero(bone[wing[-1] :] < CREST_BONE_MM2)
    return int(wing[-1]) + (int(above[0]) if len(above) else 0)


def _lateral_bone_mm2(plane: NDArray[np.float32], i: float, j: float) -> float:
    aside = np.abs(np.arange(plane.shape[0]) - i) * STEP_MM
    depth = np.abs(np.arange(plane.shape[1]) - j) * STEP_MM
    part = plane[np.ix_((aside > 45.0) & (aside < 150.0), depth < 60.0)]
    return float((part > 180.0).sum() * STEP_MM**2)


def _lung_level(torso: Torso) -> NDArray[np.bool_]:
    area_cm2 = torso.lungs.sum(axis=(0, 1)) * (COARSE * STEP_MM) ** 2 / 100.0
    k = np.minimum(np.arange(torso.image.grid.shape[2]) // COARSE, len(area_cm2) - 1)
    return np.asarray(area_cm2[k] > LUNG_CM2)


def _position(window: Window, thorax: NDArray[np.bool_], spine_front_mm: Floats) -> Prior:
    """Where the aorta can lie beside the spine, at lung level and below, and how wide it can be."""
    left, front = window.left_mm[:, None], window.front_mm[None, :]
    everywhere = -0.5 * (front < -24.0) - 0.5 * (left < -16.0)
    chest = -0.10 * np.minimum(beyond(left, 22, 12, 10), 5) - 0.08 * np.minimum(beyond(front, 10, 14, 10), 5)
    belly = -0.20 * np.minimum(beyond(left, 11, 15, 8), 6) - 0.5 * (front < 12.0)
    place = np.where(thorax[:, None, None], chest[None], belly[None]) + everywhere
    wide = np.where(thorax[:, None], -0.02 * ((RADII_MM - 12.5) / 3.0) ** 2, -0.05 * ((RADII_MM - 9.5) / 2.0) ** 2)
    gap = window.front_mm - RADII_MM[:, None]
    before = -0.12 * np.minimum(beyond(gap[None] - spine_front_mm[:, None, None], 6, 8, 5), 4)
    before = np.where(thorax[:, None, None], 0.0, before)
    prior = place[:, None] + wide[:, :, None, None] + before[:, :, None, :]
    return np.asarray(prior, dtype=np.float32)


def _tapered(path: Track, thorax: NDArray[np.bool_]) -> Prior | None:
    """Prior on the abdominal radius from the one at lung level, where it is easy; None where that is not in view."""
    sure = thorax & (path.scores > FITS) & (np.arange(len(thorax)) * STEP_MM > 4.0)
    below = np.flatnonzero(~thorax)
    if sure.sum() < 5 or len(below) < 6:
        return None
    expected = np.median(path.radii_mm[sure]) * np.linspace(*TAPER, len(below))
    prior = np.zeros((len(thorax), len(RADII_MM), 1, 1), dtype=np.float32)
    prior[below, :, 0, 0] = -0.10 * np.minimum(((RADII_MM - expected[:, None]) / 1.5) ** 2, 5)
    return prior


def undivided(path: Track, crest: int) -> Track:
    """`path` down to where the aorta divides: near the crests its circle fits worse from there on, or it turns aside
    into one iliac artery, faster than a tortuous aorta does."""
    smooth = ndimage.uniform_filter1d(path.scores, 3, mode="nearest")
    aside = _aside_mm(path)
    before, after, lately = (round(mm / STEP_MM) for mm in (40.0, 20.0, 14.0))
    near = np.flatnonzero(path.voxels[:, 2] < crest + ABOVE_CREST_MM / STEP_MM)
    for n in near[near > before]:
        low = float(np.median(smooth[n - before : n])) - DIVIDES_DROP
        if smooth[n] < low and smooth[n : n + after].mean() < low:
            return path[: int(n) - 1]
        if min(abs(aside[n]), abs(aside[n] - aside[n - lately])) > TURNS_ASIDE_MM:
            return path[: int(n) - round(TURNS_ASIDE_MM / STEP_MM)]
    return path


def _aside_mm(path: Track) -> Floats:
    """How far to the side each circle lies of the line that the path followed 16 to 70 mm above it."""
    aside = np.zeros(len(path.scores))
    first, last = round(70.0 / STEP_MM), round(16.0 / STEP_MM)
    for n in range(first, len(aside)):
        at = np.arange(n - first, n - last)
        aside[n] = path.voxels[n, 0] - np.polyval(np.polyfit(at - n, path.voxels[at, 0], 1), 0.0)
    return STEP_MM * aside


def _ended(path: Track) -> Track:
    """`path` without the tail at which no circle fits any more."""
    smooth = ndimage.uniform_filter1d(path.scores, 9, mode="nearest")
    fits = np.flatnonzero(smooth > max(0.12, 0.5 * float(np.median(path.scores))))
    return path[: int(fits[-1]) + 1] if len(fits) else path


def _own_blood(torso: Torso, path: Track) -> Blood:
    """Blood as it is in this vessel: the median of the circles' inner parts where they fit well."""
    good = path.scores > np.median(path.scores) - 0.25
    values = []
    for (i, j, k), radius in zip(path.voxels[good].astype(int), path.radii_mm[good], strict=True):
        reach = int(max(2.0, radius - 3.0) / STEP_MM * 0.7)
        values.append(np.median(torso.image.data[i - reach : i + reach + 1, j - reach : j + reach + 1, k]))
    hu = float(np.clip(np.median(values), 25.0, 600.0))
    return Blood(hu, 60.0 if hu < 80.0 else 0.5 * hu)
