"""Lungs on the CT, and myocardium that is hot on the PET."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.body import body_of, lungs_of
from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.sample.place import Floats

Bools = NDArray[np.bool_]

COARSE_MM = 3.0
"""Lungs are sought on every n-th CT voxel, about so far apart."""
HOT_RATIO = 3.0
"""Myocardium counts as hot from this multiple of blood."""
HOT_ML = 5.0
HEART_LUNG_SHARE = 0.25
"""A level belongs to the chest above the diaphragm where the lungs' section is at least this share of their largest."""
LEVEL_MM = 4.0


def lungs(ct: Volume) -> tuple[Bools, Grid]:
    """Lung, and the coarser grid on which it was sought."""
    step = np.maximum(np.rint(COARSE_MM / ct.grid.spacing).astype(np.int64), 1)
    data = ct.data[tuple(slice(None, None, int(n)) for n in step)]
    grid = Grid(data.shape, ct.grid.affine @ np.diag([*step, 1.0]))
    return lungs_of(data, body_of(data, grid), grid), grid


def hot_myocardium(pet: Volume, *, blood: float, vessels: Bools, lung: tuple[Bools, Grid], top_mm: float) -> Bools:
    """Largest connected set of PET voxels of at least `HOT_RATIO` x `blood` where the heart is; none below `HOT_ML`.

    The heart is sought inside the box of the lungs of the same level, where these are wide enough to lie above the
    diaphragm, and not above `top_mm` (z of the carina). `vessels` (PET grid) marks the vessels with their walls, which
    are no myocardium however hot.
    """
    hot = np.argwhere((pet.data >= HOT_RATIO * blood) & ~vessels)
    mm = pet.grid.to_mm(hot)
    hot = hot[(mm[:, 2] <= top_mm) & _between_lungs(mm, *lung)]
    mask = np.zeros(pet.grid.shape, dtype=bool)
    mask[tuple(hot.T)] = True
    heart = _largest(mask)
    return heart if heart.sum() * pet.grid.voxel_ml >= HOT_ML else np.zeros_like(mask)


def _between_lungs(mm: Floats, lung: Bools, grid: Grid) -> Bools:
    """Whether points (n, 3) lie in the lungs' box of their level, above the diaphragm."""
    air = grid.to_mm(np.argwhere(lung))
    if not len(air) or not len(mm):
        return np.zeros(len(mm), dtype=bool)
    bottom = air[:, 2].min()
    level = ((air[:, 2] - bottom) / LEVEL_MM).astype(np.int64)
    section = np.bincount(level)
    low, high = np.full((len(section), 2), np.inf), np.full((len(section), 2), -np.inf)
    np.minimum.at(low, level, air[:, :2])
    np.maximum.at(high, level, air[:, :2])
    own = np.floor((mm[:, 2] - bottom) / LEVEL_MM).astype(np.int64)
    at = np.clip(own, 0, len(section) - 1)
    chest = (own == at) & (section[at] >= HEART_LUNG_SHARE * section.max())
    return np.asarray(chest & ((mm[:, :2] >= low[at]) & (mm[:, :2] <= high[at])).all(axis=1))


def _largest(mask: Bools) -> Bools:
    pieces, count = ndimage.label(mask)
    size = np.bincount(pieces.ravel(), minlength=count + 1)
    size[0] = 0
    return np.asarray((pieces == np.argmax(size)) & mask)
