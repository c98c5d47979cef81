"""SUVpeak: the highest mean of a sphere of 1 cm3 (diameter 12.41 mm) centred on a voxel of the slice.

The sphere is centred on the middle of a voxel inside the ROI, not fitted between voxels; it may reach out of the ROI
and of the vessel, whose surroundings the voxel table holds for this. Each voxel weighs as much of itself as lies in the
sphere, told on a fixed 8 x 8 x 8 lattice inside it. A sphere that lacks a voxel (it reaches past the PET's edge or past
what the table keeps) is not whole and has no mean.

Sphere of 1 cm3 as in PERCIST; Lodge 2012 (doi:10.2967/jnumed.111.101733) found its noise less than half of that of a
maximum. "12 mm" is often written and would be 0.905 mL.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from petproc.quantify.scan import Scan
from petproc.quantify.tables import Columns

SPHERE_ML = 1.0
RADIUS_MM = (3000.0 * SPHERE_ML / (4.0 * np.pi)) ** (1.0 / 3.0)
LATTICE = 8

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def slice_peaks(rows: Columns, starts: Whole, scan: Scan) -> Floats:
    """Highest mean of a whole sphere, Bq/mL, of each slice (K,); NaN where a slice has none.

    `rows` are those inside, slice after slice; slice n starts at `starts[n]`.
    """
    steps, weights = sphere(tuple(map(tuple, scan.grid.affine[:3, :3].tolist())))
    centres = np.stack([rows[axis] for axis in "ijk"], axis=-1).astype(np.int64)
    margin = np.abs(steps).max(axis=0)
    low, high = centres.min(axis=0) - margin, centres.max(axis=0) + margin
    box = _box(scan, low, high)
    place = np.ravel_multi_index(tuple((centres - low).T), box.shape)
    away = steps @ np.array([box.shape[1] * box.shape[2], box.shape[2], 1])
    values, means = box.ravel(), np.zeros(len(centres))
    for step, weight in zip(away.tolist(), weights.tolist(), strict=True):
        means += weight * values[place + step]
    highest = np.maximum.reduceat(np.where(np.isnan(means), -np.inf, means), starts)
    return np.asarray(np.where(np.isneginf(highest), np.nan, highest))


@lru_cache(maxsize=8)
def sphere(axes: tuple[tuple[float, ...], ...]) -> tuple[Whole, Floats]:
    """Voxels that a sphere about the middle of one reaches into, as steps (n, 3), and their shares of it (n,), which
    add up to 1. `axes` (3, 3) turns voxel steps into mm."""
    to_mm = np.array(axes)
    reach = np.ceil(RADIUS_MM * np.linalg.norm(np.linalg.inv(to_mm), axis=1) + 0.5).astype(int)
    steps = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    inside = (np.arange(LATTICE) + 0.5) / LATTICE - 0.5
    lattice = np.stack(np.meshgrid(inside, inside, inside, indexing="ij"), axis=-1).reshape(-1, 3)
    distance = np.linalg.norm((steps[:, None, :] + lattice) @ to_mm.T, axis=-1)
    share = (distance <= RADIUS_MM).mean(axis=1)
    return steps[share > 0], share[share > 0] / share.sum()


def _box(scan: Scan, low: Whole, high: Whole) -> Floats:
    """Activity of all rows of the scan from voxel `low` to `high`, both included; NaN where there is no row."""
    box = np.full(tuple(high - low + 1), np.nan)
    near = np.ones(len(scan.voxels["i"]), dtype=bool)
    for axis, first, last in zip("ijk", low, high, strict=True):
        near &= (scan.voxels[axis] >= first) & (scan.voxels[axis] <= last)
    at = np.flatnonzero(near)
    index = [scan.voxels[axis][at].astype(np.int64) - first for axis, first in zip("ijk", low, strict=True)]
    box[tuple(index)] = scan.voxels["activity"][at]
    return box
