"""Superior vena cava: a chain of circles to the right of the ascending aorta, against the right lung.

Contrast may be in the aorta and not in the vein, in the vein and not yet in the aorta, or in both; so the vein is found
with blood of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.body import AIR_HU
from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment.classical.ring import ring_scores
from petproc.segment.classical.surface import Surface, fit_surface
from petproc.segment.classical.tracking import add_shifted
from petproc.segment.classical.visible import visible_fraction
from petproc.segment.classical.voxelise import voxels_inside
from petproc.segment.classical.window import Blood, Track, Window, follow, scores, track
from petproc.segment.stations import STEP_MM as STATION_MM
from petproc.segment.stations import Tube
from petproc.segment.torso import STEP_MM, Torso

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

RADII_MM = np.array([5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.5])
BELOW_CARINA_MM, ABOVE_CARINA_MM = 30.0, 26.0
PENALTY = (0.15, 0.08, 0.08)
LUNG_CONTACT = 0.35
SPREAD_MM = (1.5, 1.5)
MARGIN_MM = 30.0
BLOOD = (Blood(40.0, 60.0), Blood(150.0, 82.0), Blood(300.0, 165.0), Blood(600.0, 330.0), Blood(1100.0, 600.0))
"""Tried beside the aorta's own: without contrast, and more and more of it up to what runs in from the arm undiluted."""
FITS = 0.35
"""Median circle score from which the aorta's own blood is taken to be the vein's too."""
FOUND, SURE = 0.3, 0.6
"""Below the first no chain follows a vein; above the second none need be looked for any more."""
CORE_MM = 3.0
"""Blood is looked at so far inside the circle."""
BLOOD_HU = (20.0, 2000.0)
PLAIN_HU, HALF_SHARE = 80.0, 0.6
LOW, LOW_SHARE = 0.2, 0.4
"""Below the first, and below so much of the median, no circle fits: the atrium, or the veins' confluence."""
SEEN_SHARE = 0.65
"""Less of the wall is seen where the vein is part of the heart."""
BRIDGED = 5
"""Stations (10 mm): shorter dips end no vein."""
LENGTH_MIN_MM = 16.0
TOP_MIN_MM = 6.0
"""Above the carina no other vessel lies there; below it the right lung's do."""

NO_CIRCLES = "nothing between the ascending aorta and the right lung looks like a vein"
TOO_SHORT = "too little of what lies between the ascending aorta and the right lung looks like a vein"
NOT_ABOVE = "what looks like a vein beside the ascending aorta does not reach above the carina"


@dataclass(frozen=True, eq=False)
class Vein:
    """The outer surface of a vein, ordered with flow, the scores of its points (n,), and its blood."""

    surface: Surface
    ring: Floats
    visible: Floats
    blood: Blood

    def __getitem__(self, part: slice) -> Vein:
        return Vein(self.surface[part], self.ring[part], self.visible[part], self.blood)

    @property
    def tube(self) -> Tube:
        return Tube(self.surface.points_mm, self.surface.equal_radius_mm, self.ring, self.visible)


def find_cava(ct: Volume, torso: Torso, aorta: Surface, ascending: Track, *, blood: Blood, carina_k: int) -> Vein | str:
    """The superior vena cava beside `ascending`, or why it was not found; `blood` is that of the aorta."""

    def tracked(other: Blood) -> Track:
        return track_cava(torso, aorta, ascending, blood=other, carina_k=carina_k)

    path = best_track(tracked, aortic=blood)
    if path is None:
        return NO_CIRCLES
    whole = vein_along(ct, torso.image, path, aorta=aorta, spread_mm=SPREAD_MM)
    vein = whole[_fitting(whole)]
    if len(vein.ring) * STATION_MM < LENGTH_MIN_MM:
        return TOO_SHORT
    # Along the CT's own axis: in the world's the carina of a CT that leans lies elsewhere than its slice's corner.
    top_k = float(torso.image.grid.to_index(vein.surface.points_mm[0])[2])
    return vein if (top_k - carina_k) * STEP_MM > TOP_MIN_MM else NOT_ABOVE


def best_track(tracked: Callable[[Blood], Track], *, aortic: Blood) -> Track | None:
    """The chain of the blood that fits best; None where none does. Without contrast, veins have the aorta's blood."""
    best = tracked(aortic)
    if aortic.hu < PLAIN_HU and np.median(best.scores) > FITS:
        return best
    for blood in BLOOD:
        if np.median(best.scores) > SURE:
            return best
        best = max(best, tracked(blood), key=lambda path: float(np.median(path.scores)))
    return best if np.median(best.scores) > FOUND else None


def track_cava(torso: Torso, aorta: Surface, ascending: Track, *, blood: Blood, carina_k: int) -> Track:
    """From 26 mm above the carina to 30 mm below it, from above downwards."""
    low = max(0, carina_k - round(BELOW_CARINA_MM / STEP_MM))
    high = min(torso.image.grid.shape[2], carina_k + round(ABOVE_CARINA_MM / STEP_MM))
    k = np.arange(low, high)[::-1]
    line_i, line_j = (np.interp(k, ascending.voxels[:, 2], ascending.voxels[:, axis]) for axis in (0, 1))
    image = without(torso.image, aorta, blood)
    window = follow(image, k, (line_i, line_j), left=(-56, 16), front=(-56, 46))
    prior = _prior(window, float(np.median(ascending.radii_mm))) + _contact(window)
    return track(window, RADII_MM, scores(window, RADII_MM, blood), prior=prior, penalty=PENALTY)


def vein_along(ct: Volume, image: Volume, path: Track, *, aorta: Surface, spread_mm: tuple[float, float]) -> Vein:
    """The whole vein tracked as `path` (voxels of the 2 mm `image`); the aorta counts as foreign to it."""
    blood = own_blood(image, path)
    points = image.grid.to_mm(path.voxels)
    near = without(_around(ct, points), aorta, blood)
    # A short vein between lung and heart does not tell what fat there is; the aorta does.
    surface = fit_surface(near, points, path.radii_mm, blood=blood, spread_mm=spread_mm, outside_hu=aorta.outside_hu)
    foreign = without(image, aorta, blood)
    ring, visible = ring_scores(foreign, surface, blood=blood), visible_fraction(foreign, surface, blood=blood)
    return Vein(surface, ring, visible, blood)


def without(image: Volume, aorta: Surface, blood: Blood) -> Volume:
    """A copy of `image` in which the aorta is too bright to be another vessel's blood."""
    voxels, _ = voxels_inside(image.grid, aorta)
    data = image.data.copy()
    data[tuple(voxels.T)] = blood.hu + blood.half_hu
    return Volume(data, image.grid, image.unit)


def own_blood(image: Volume, path: Track) -> Blood:
    """Blood as it is in the vein itself: the median over its circles of the median of their inner parts."""
    values = []
    for (i, j, k), radius in zip(path.voxels.astype(int), path.radii_mm, strict=True):
        reach = int(max(2.0, radius - CORE_MM) / STEP_MM * 0.7)
        near = image.data[max(0, i - reach) : i + reach + 1, max(0, j - reach) : j + reach + 1, k]
        values.append(float(np.median(near)))
    hu = float(np.clip(np.median(values), *BLOOD_HU))
    return Blood(hu, 60.0 if hu < PLAIN_HU else HALF_SHARE * hu)


def _fitting(vein: Vein) -> slice:
    """The longest stretch of points at which a circle fits and as much of the wall is seen as elsewhere."""
    seen = ndimage.uniform_filter1d(vein.surface.visible.mean(axis=1), BRIDGED, mode="nearest")
    fits = (vein.ring >= max(LOW, LOW_SHARE * float(np.median(vein.ring)))) & (seen >= SEEN_SHARE * np.median(seen))
    return longest_run(fits)


def longest_run(fits: NDArray[np.bool_]) -> slice:
    """The longest run of points (n,) that fit; a short dip between is noise, for an atrium does not end again."""
    if not fits.any():
        return slice(0, 0)
    bridged = ndimage.binary_closing(np.pad(fits, BRIDGED, mode="edge"), np.ones(BRIDGED))[BRIDGED:-BRIDGED]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bridged.astype(np.int8), [0]]))).reshape(-1, 2)
    start, stop = max(edges, key=lambda edge: int(edge[1] - edge[0]))
    return slice(int(start), int(stop))


def _around(ct: Volume, points_mm: NDArray[np.float64]) -> Volume:
    """The part of `ct` within 30 mm of the points' bounding box."""
    corners = np.stack(np.meshgrid(*zip(points_mm.min(axis=0), points_mm.max(axis=0), strict=True)), axis=-1)
    index = ct.grid.to_index(corners.reshape(-1, 3))
    margin = np.ceil(MARGIN_MM / ct.grid.spacing)
    low = np.clip(np.floor(index.min(axis=0) - margin), 0, ct.grid.shape).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + margin) + 1, 0, ct.grid.shape).astype(int)
    affine = ct.grid.affine.copy()
    affine[:3, 3] = ct.grid.to_mm(low)
    data = ct.data[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    return Volume(data, Grid(data.shape, affine), ct.unit)


def _prior(window: Window, ascending_mm: float) -> Array:
    left, front = window.left_mm[:, None], window.front_mm[None, :]
    place = -0.06 * ((left + ascending_mm + 10.0) / 8.0) ** 2 - 0.05 * ((front + 10.0) / 11.0) ** 2
    place = place - 1.0 * (left > -ascending_mm - 1.0)
    wide = -0.03 * ((RADII_MM - 9.0) / 2.0) ** 2
    return np.asarray((place[None] + wide[:, None, None])[None], dtype=np.float32)


def _contact(window: Window) -> Array:
    """Reward for lung at the circle's right."""
    lung = ndimage.gaussian_filter((window.stack < AIR_HU).astype(np.float32), (1.5, 0.5, 1.5))
    reward = np.zeros((len(lung), len(RADII_MM), *lung.shape[1:]), dtype=np.float32)
    for r, radius in enumerate(RADII_MM):
        add_shifted(reward[:, r], LUNG_CONTACT * lung, (radius + 4.0) / STEP_MM, 0.0)
    return reward
