"""Superior vena cava: a chain of circles to the right of the ascending aorta, against the right lung."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.body import AIR_HU
from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment.classical.surface import Surface, fit_surface
from petproc.segment.classical.tracking import add_shifted
from petproc.segment.classical.voxelise import voxels_inside
from petproc.segment.classical.window import Blood, Track, Window, follow, scores, track
from petproc.segment.torso import STEP_MM, Torso

Array = NDArray[np.float32]

RADII_MM = np.array([5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.5])
BELOW_CARINA_MM, ABOVE_CARINA_MM = 30.0, 26.0
PENALTY = (0.15, 0.08, 0.08)
LUNG_CONTACT = 0.35
SPREAD_MM = (1.5, 1.5)
MARGIN_MM = 30.0


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


def cava_surface(ct: Volume, path: Track, grid: Grid, *, aorta: Surface, blood: Blood) -> Surface:
    """Outer surface of the vena cava tracked as `path` (voxels of `grid`); the aorta counts as foreign to it."""
    points = grid.to_mm(path.voxels)
    near = without(_around(ct, points), aorta, blood)
    return fit_surface(near, points, path.radii_mm, blood=blood, spread_mm=SPREAD_MM)


def without(image: Volume, aorta: Surface, blood: Blood) -> Volume:
    """A copy of `image` in which the aorta is too bright to be another vessel's blood."""
    voxels, _ = voxels_inside(image.grid, aorta)
    data = image.data.copy()
    data[tuple(voxels.T)] = blood.hu + blood.half_hu
    return Volume(data, image.grid, image.unit)


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
