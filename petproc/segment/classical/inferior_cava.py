"""Inferior vena cava: a chain of circles to the right of the abdominal aorta, from its division upwards.

Found against the aorta's own line, which is known by then; the aorta is foreign to it, so that neither takes the other.
The vein is believed up to the first place where no circle fits or the chain runs aside: there it has left for the
duodenum, the head of the pancreas or, without contrast, the liver.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.volume import Volume
from petproc.segment.classical.cava import Vein, best_track, longest_run, vein_along, without
from petproc.segment.classical.surface import Surface
from petproc.segment.classical.window import Blood, Track, Window, beyond, follow, scores, track
from petproc.segment.stations import STEP_MM as STATION_MM
from petproc.segment.torso import STEP_MM, Torso

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

RADII_MM = np.array([6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.5, 15.0])
USUAL_MM = 10.5
PENALTY = (0.15, 0.06, 0.06)
SPREAD_MM = (2.0, 2.5)
"""Wider than that of arteries: the vein is a flat oval."""
RIGHT_MM, RIGHT_BAND_MM = 26.0, 7.0
"""From the aorta's middle to the vein's at the lower end; in a band around it there is no pull."""
RIGHT_RISE, RIGHT_FROM_MM = 0.12, 50.0
AHEAD_RISE, AHEAD_BAND_MM = 0.11, 13.0
RISE_MAX_MM = (18.0, 22.0)
"""Upwards the vein leaves the aorta to the right and to the front, by so much per mm of height."""
RING_MIN = 0.35
"""Where it is lower over 10 mm, the vein has been left."""
ASIDE_MAX, ASIDE_OVER_MM = 0.5, 6.0
"""Sideways movement per mm of height; the duodenum's course crosses the vein's."""
LENGTH_MIN_MM = 40.0

TOO_SHORT_VIEW = "too little of the abdominal aorta is in view, beside which it is looked for"
NO_CIRCLES = "nothing to the right of the abdominal aorta looks like a vein"


def find_inferior_cava(ct: Volume, torso: Torso, aorta: Surface, line: Track, *, blood: Blood) -> Vein | str:
    """The inferior vena cava, with the flow, or why it was not found.

    `line` is the tracked descending and abdominal aorta from above downwards, `blood` that of the aorta.
    """
    line = _below_lung(torso, line)
    if len(line.scores) * STEP_MM < LENGTH_MIN_MM:
        return TOO_SHORT_VIEW
    path = best_track(lambda other: track_inferior(torso, aorta, line, blood=other), aortic=blood)
    if path is None:
        return NO_CIRCLES
    vein = vein_along(ct, torso.image, path, aorta=aorta, spread_mm=SPREAD_MM)
    vein = vein[_believed(vein)]
    return vein if len(vein.ring) * STATION_MM >= LENGTH_MIN_MM else NO_CIRCLES


def track_inferior(torso: Torso, aorta: Surface, line: Track, *, blood: Blood) -> Track:
    """From the lowest slice of `line` to its highest."""
    order = np.argsort(line.voxels[:, 2])
    i, j, k = line.voxels[order].T
    image = without(torso.image, aorta, blood)
    window = follow(image, k.astype(np.int64), (i, j), left=(-78, 2), front=(-36, 70))
    return track(window, RADII_MM, scores(window, RADII_MM, blood), prior=_prior(window), penalty=PENALTY)


def _below_lung(torso: Torso, line: Track) -> Track:
    beside = np.flatnonzero(torso.lung_beside(torso.image.grid.to_mm(line.voxels)))
    return line[int(beside[-1]) + 1 :] if len(beside) else line


def _prior(window: Window) -> Array:
    """Where the vein can lie beside the aorta, and how wide it can be."""
    left, front = window.left_mm[:, None], window.front_mm[None, :]
    above = (window.k - window.k[0])[:, None, None] * STEP_MM
    right = RIGHT_MM + np.clip(RIGHT_RISE * (above - RIGHT_FROM_MM), 0, RISE_MAX_MM[0])
    ahead = np.clip(AHEAD_RISE * above, 0, RISE_MAX_MM[1])
    aside = -0.15 * np.minimum(beyond(left + right, 0, RIGHT_BAND_MM, 5), 5)
    before = -0.10 * np.minimum(beyond(front - ahead, 0, AHEAD_BAND_MM, 8), 5)
    wide = -0.03 * ((RADII_MM - USUAL_MM) / 3.0) ** 2
    return np.asarray((aside + before)[:, None] + wide[None, :, None, None], dtype=np.float32)


def _believed(vein: Vein) -> slice:
    """The longest stretch of points at which a circle fits, below the first place where the chain runs aside."""
    course = ndimage.gaussian_filter1d(np.gradient(vein.surface.points_mm, axis=0), ASIDE_OVER_MM / STATION_MM, axis=0)
    aside = np.flatnonzero(np.hypot(course[:, 0], course[:, 1]) > ASIDE_MAX * np.abs(course[:, 2]))
    return longest_run(vein.ring[: aside[0] if len(aside) else None] >= RING_MIN)
