"""How certain an estimated motion is: the jackknife over what the estimate was made from.

Two things are left out in turn: parts of the body, which disagree for noise, for breathing or for a turned head; and
layers under the skin (the outline; the chest wall and what lies under it; lungs, spine and organs), which disagree
where one of them does not move with the others or is not predicted well. Both spreads count, and a share of the PET's
voxel for what is common to all parts and layers and so shows in neither.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petproc.align.level import Level, solved
from petproc.align.motion import Motion
from petproc.core.grid import Floats

SLABS = 6
COMMON_SHARE = 0.1
"""of the PET's largest voxel edge; ours: on the phantom, breathing and sampling leave 0.1 to 0.45 mm at 4 mm voxels"""


def standard_error(level: Level, motion: Motion, parts: NDArray[np.intp], *, turning: bool = True) -> Floats:
    """Standard error of the translation (mm, 3) and, if `turning`, of the rotation (rad, 3); `parts` (n,) are numbers
    of the parts of the body."""
    rows, residual = level.equations(motion)
    common = np.full(6, COMMON_SHARE * level.pet_grid.spacing.max() / np.sqrt(3.0))
    common[3:] /= np.sqrt(((level.places - motion.centre) ** 2).sum(axis=1).mean())
    free = 6 if turning else 3
    spread = [_jackknife(rows[:, :free], residual, group) for group in (parts, level.layer)]
    return np.asarray(np.sqrt(spread[0] ** 2 + spread[1] ** 2 + common[:free] ** 2))


def slabs_and_sides(places: Floats) -> NDArray[np.intp]:
    """Parts of places (n, 3): `SLABS` of equal height, each in a left and a right half."""
    height, across = places[:, 2], places[:, 0]
    low, high = height.min(), height.max()
    slab = np.minimum((height - low) / (high - low + 1e-9) * SLABS, SLABS - 1).astype(int)
    return np.asarray(2 * slab + (across > np.median(across)))


def _jackknife(rows: Floats, residual: Floats, groups: NDArray[np.intp]) -> Floats:
    """From the estimates that lack one group each."""
    own = [groups == group for group in np.unique(groups)]
    matrices = [rows[part].T @ rows[part] for part in own]
    vectors = [rows[part].T @ residual[part] for part in own]
    matrix, vector = np.sum(matrices, axis=0), np.sum(vectors, axis=0)
    without = [solved(matrix - m, vector - v) for m, v in zip(matrices, vectors, strict=True)]
    return np.asarray(np.sqrt(np.var(without, axis=0) * (len(without) - 1)))
