"""The course of a vessel between a reader's points: the best chain of circles of blood in sections across a line.

Sections every 2 mm lie across a first line, straight from point to point; a chain takes one circle from each, so that
its sum of circle scores is largest (`classical.tracking`). Points may lie off the middle: they pull, they do not pin.
The chain is searched anew in sections across itself, because those of a bend or an oblique course were not round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.volume import Volume
from petproc.segment.classical.curve import frames, smoothed
from petproc.segment.classical.surface import blur_mm
from petproc.segment.classical.tracking import viterbi
from petproc.segment.classical.window import Blood
from petproc.segment.seeded.circles import PIXEL_MM, small_circle_scores
from petproc.segment.stations import arc_length

Floats = NDArray[np.float64]

RADIUS_MIN_MM = 2.0
SECTION_MM = (4.0, 2.0)
"""Between sections. As a chain moves by one pixel from one to the next, it cannot leap into a neighbouring vessel."""
REACH_MM = (16.0, 6.0)
"""How far from its line the chain may run, in each of the rounds."""
SMOOTH_MM = (6.0, 4.0)
PENALTY = (0.3, 0.1, 0.1)
"""Per step (1 mm) of radius and place from one section to the next."""
OFF_MIDDLE_MM, PULL_MM = 1.5, 1.5
"""A reader's point costs nothing so far from the middle, and its excess squared in units of `PULL_MM` beyond."""
PULLED = 2
"""Sections to each side of a point that it pulls."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Centres (n, 3) RAS+ mm about 2 mm apart and radii (n,) mm. `strays_mm`: how far from it a chain comes that knows
    only the first, or only the last point; one that arrives at the other end says that both lie in one vessel."""

    points_mm: Floats
    radii_mm: Floats
    strays_mm: float


def find_chain(ct: Volume, readers_mm: Floats, *, blood: Blood, radius_max_mm: float) -> Chain:
    """The chain from the first to the last of `readers_mm` (m, 3), points in order along the vessel."""
    radii = np.arange(RADIUS_MIN_MM, radius_max_mm + 1e-6, 1.0)
    line, strays = readers_mm, None
    for step, reach, sigma in zip(SECTION_MM, REACH_MM, SMOOTH_MM, strict=True):
        line = _spaced(line, step)
        _, normals, binormals = frames(line)
        around = sections(ct, line, normals, binormals, reach_mm=reach + radius_max_mm)
        score = small_circle_scores(around, radii, blood=blood, blur_mm=blur_mm(ct))
        margin = round(radius_max_mm / PIXEL_MM)
        score = score[:, :, margin:-margin, margin:-margin]
        pull = [_pull(point, line, normals, binormals, side=score.shape[2]) for point in readers_mm]
        r, a, b = viterbi(score + sum(pull), PENALTY).T
        if strays is None:
            alone = [viterbi(score + one, PENALTY) for one in (pull[0], pull[-1])]
            strays = max(float(np.hypot(path[:, 1] - a, path[:, 2] - b).max()) * PIXEL_MM for path in alone)
        middle = (score.shape[2] - 1) / 2
        across, up = (a - middle) * PIXEL_MM, (b - middle) * PIXEL_MM
        centres = line + normals * across[:, None] + binormals * up[:, None]
        line, wide = smoothed(centres, radii[r], sigma_mm=sigma)
    assert strays is not None
    return Chain(line, wide, strays)


def sections(ct: Volume, line: Floats, normals: Floats, binormals: Floats, *, reach_mm: float) -> NDArray[np.float32]:
    """HU (n, m, m) in squares of `PIXEL_MM` across `line` (n, 3), which is in their middle; edges last."""
    half = round(reach_mm / PIXEL_MM)
    offset = np.arange(-half, half + 1) * PIXEL_MM
    plane = normals[:, None, None] * offset[:, None, None] + binormals[:, None, None] * offset[:, None]
    places = ct.grid.to_index(line[:, None, None] + plane)
    return np.asarray(ndimage.map_coordinates(ct.data, np.moveaxis(places, 3, 0), np.float32, order=1, mode="nearest"))


def _spaced(points: Floats, step_mm: float) -> Floats:
    arc = arc_length(points)
    even = np.linspace(0.0, arc[-1], max(4, round(arc[-1] / step_mm) + 1))
    return np.stack([np.interp(even, arc, points[:, axis]) for axis in range(3)], axis=1)


def _pull(point: Floats, line: Floats, normals: Floats, binormals: Floats, *, side: int) -> NDArray[np.float32]:
    """Score (n, 1, side, side) that is taken from circles away from a reader's point."""
    offset = (np.arange(side) - (side - 1) / 2) * PIXEL_MM
    pull = np.zeros((len(line), 1, side, side), dtype=np.float32)
    nearest = int(np.linalg.norm(line - point, axis=1).argmin())
    for n in range(max(0, nearest - PULLED), min(len(line), nearest + PULLED + 1)):
        away = point - line[nearest]
        across, up = away @ normals[n], away @ binormals[n]
        distance = np.hypot(offset[:, None] - across, offset[None] - up)
        pull[n, 0] -= (np.maximum(0.0, distance - OFF_MIDDLE_MM) / PULL_MM) ** 2
    return pull
