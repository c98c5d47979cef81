"""The carina: the landmark from which the aorta's parts and its arc length are counted.

The trachea is followed downwards, axial slice by axial slice, as a piece of air of the right size; the carina is where
its one piece becomes two, side by side, that stay two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.segment.torso import COARSE, STEP_MM, Torso

Point = tuple[float, float, float]
Mask = NDArray[np.bool_]

THRESHOLDS_HU = (-500.0, -650.0, -800.0, -880.0)
"""From the loosest: a stricter one is used where a thin wall lets air run over into the lung."""
TRACHEA_MM2 = (60.0, 700.0)
AIRWAY_MM2 = 900.0
BRONCHUS_MM2 = 20.0
APART_MM = 9.0
STAYS_MM = 6.0
MIDLINE_MM = 35.0
ASPECT = 2.0
LENGTH_MM, CUT_LENGTH_MM = 24.0, 12.0
"""Shortest trachea above the carina, and where the CT's upper end cuts it."""
BESIDE_CM2 = 5.0
"""Lung on either side of the carina."""
HALF_WINDOW = 40
"""Voxels around the midline in which the airway is looked for."""
START_EVERY = 4


@dataclass(frozen=True, eq=False)
class Airway:
    """`carina` in RAS+ mm and the centres of the trachea from above down to it, (n, 3) in RAS+ mm."""

    carina: Point
    trachea_mm: NDArray[np.float64]


def find_carina(torso: Torso) -> Airway | None:
    """The carina and the trachea above it, or None where the CT does not show a trachea that divides."""
    height = torso.lungs.any(axis=(0, 1))
    if not height.any():
        return None
    top = min(torso.image.grid.shape[2] - 1, COARSE * int(np.flatnonzero(height)[-1]) + 20)
    low = COARSE * int(np.flatnonzero(height)[0])
    window = _Window(torso)
    best: list[tuple[int, Mask]] = []
    split: int | None = None
    for start in range(top, max(low, top - 60), -START_EVERY):
        for piece in window.starts(start):
            chain, below = _follow(window, start, piece, low)
            if below is not None and len(chain) > len(best):
                best, split = chain, below
    cut = bool(best) and best[0][0] > torso.image.grid.shape[2] - 1 - START_EVERY
    if split is None or len(best) * STEP_MM < (CUT_LENGTH_MM if cut else LENGTH_MM):
        return None
    centres = np.array([[*window.centre(piece), k] for k, piece in best])
    if not _between_lungs(torso, centres[-1, 0], split):
        return None
    lowest = centres[-3:].mean(axis=0)
    carina = torso.image.grid.to_mm([lowest[0], lowest[1], split + 0.5])
    return Airway((float(carina[0]), float(carina[1]), float(carina[2])), torso.image.grid.to_mm(centres))


def _between_lungs(torso: Torso, i: float, k: int) -> bool:
    lung = torso.lungs[:, :, min(k // COARSE, torso.lungs.shape[2] - 1)].sum(axis=1) * (COARSE * STEP_MM) ** 2 / 100.0
    middle = round(i / COARSE)
    return bool(min(lung[:middle].sum(), lung[middle:].sum()) > BESIDE_CM2)


class _Window:
    """The middle of the body, slice by slice, as air and not air."""

    def __init__(self, torso: Torso) -> None:
        weight = torso.body.sum(axis=1).astype(float)
        column = np.arange(weight.shape[0])[:, None]
        middle = (weight * column).sum(axis=0) / np.maximum(weight.sum(axis=0), 1.0)
        chest = torso.lungs.any(axis=(0, 1))
        self.middle = COARSE * float(np.median(middle[chest]))
        self.first = max(0, round(self.middle) - HALF_WINDOW)
        self.image = torso.image.data[self.first : self.first + 2 * HALF_WINDOW + 1]
        body = torso.body[self.first // COARSE : (self.first + 2 * HALF_WINDOW) // COARSE + 1]
        rows = np.flatnonzero(body.any(axis=(0, 2)))
        self.rows = slice(COARSE * int(rows[0]) + 5, COARSE * int(rows[-1]) - 5)

    def pieces(self, k: int, threshold: float) -> list[Mask]:
        parts, count = ndimage.label(self.image[:, self.rows, k] < threshold)
        return [parts == part for part in range(1, count + 1)]

    def centre(self, piece: Mask) -> tuple[float, float]:
        i, j = (float(axis.mean()) for axis in np.nonzero(piece))
        return i + self.first, j + self.rows.start

    def starts(self, k: int) -> list[Mask]:
        """Pieces of slice `k` that look like a trachea cut across."""
        found = []
        for piece in self.pieces(k, THRESHOLDS_HU[1]):
            area = piece.sum() * STEP_MM**2
            if not TRACHEA_MM2[0] <= area <= TRACHEA_MM2[1]:
                continue
            i, j = np.nonzero(piece)
            width, depth = np.ptp(i) + 1.0, np.ptp(j) + 1.0
            central = abs(self.centre(piece)[0] - self.middle) * STEP_MM < MIDLINE_MM
            filled = area / (width * depth * STEP_MM**2) > 0.6
            if central and filled and max(width, depth) / min(width, depth) < ASPECT:
                found.append(piece)
        return found


def _follow(window: _Window, start: int, piece: Mask, low: int) -> tuple[list[tuple[int, Mask]], int | None]:
    """The trachea's pieces from slice `start` down, and the slice in which it has become two (None if never)."""
    chain = [(start, piece)]
    for k in range(start - 1, low, -1):
        below = _below(window, k, chain[-1][1])
        if below is None:
            return chain, None
        if _side_by_side(below) and _stays_split(window, k, below):
            return chain, k
        chain.append((k, np.logical_or.reduce(below)))
    return chain, None


def _below(window: _Window, k: int, above: Mask) -> list[Mask] | None:
    """Pieces of slice `k` that touch `above`, at the loosest threshold that does not run over into the lung."""
    reach = ndimage.binary_dilation(above)
    for threshold in THRESHOLDS_HU:
        pieces = [piece for piece in window.pieces(k, threshold) if (piece & reach).any()]
        pieces = [piece for piece in pieces if piece.sum() * STEP_MM**2 >= BRONCHUS_MM2]
        area = sum(float(piece.sum()) for piece in pieces) * STEP_MM**2
        if pieces and area <= AIRWAY_MM2:
            return pieces
    return None


def _side_by_side(pieces: list[Mask]) -> bool:
    if len(pieces) < 2:
        return False
    across = sorted(float(np.nonzero(piece)[0].mean()) for piece in pieces)
    return (across[-1] - across[0]) * STEP_MM >= APART_MM


def _stays_split(window: _Window, k: int, pieces: list[Mask]) -> bool:
    """Whether no piece of the next slices touches both sides again."""
    left, right = pieces[0], pieces[-1]
    for below in range(k - 1, max(k - 1 - round(STAYS_MM / STEP_MM), 0), -1):
        onto_left, onto_right = _below(window, below, left), _below(window, below, right)
        if onto_left is None or onto_right is None:
            return True
        left, right = np.logical_or.reduce(onto_left), np.logical_or.reduce(onto_right)
        if (left & right).any():
            return False
    return True
