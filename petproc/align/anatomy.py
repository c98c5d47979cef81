"""What CT and PET have in common: the body's outline and lungs, at a resolution that both have.

Coarse images lie along the axes of world space (RAS+ mm). The couch is taken off the CT, and what moves with the
diaphragm is left out but for the skin: the CT caught one breath and the PET the mean of hundreds, so that heart, liver
and stomach differ without any offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.body import body_of, lungs_of
from petproc.core.errors import Refusal
from petproc.core.grid import Floats, Grid
from petproc.core.volume import Volume

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

STEP_MM = 5.0
AIR_HU, BONE_HU = -1000.0, 300.0
SKIN_MM = 15.0
"""so far outside the body the PET still tells where the skin is"""
LAYERS_MM = (15.0, 40.0)
"""under the skin, where another prediction holds: the HU of half air and half muscle, of half lung and half chest wall
and of half lung and half mediastinum are alike, their uptake is not"""
MOVING_MM = (60.0, 120.0)
"""above the dome of the diaphragm (heart) and below the lowest lung (liver, stomach, spleen, kidneys)"""
STILL_MM = 20.0
"""under the skin, where nothing moves with breath"""
BODY_ML = 2000.0
APEX_MM2 = 600.0
"""section from which air is a lung's tip and not the trachea (at most 25 mm wide in adults)"""


@dataclass(frozen=True)
class Lungs:
    """Heights (z, mm) of the lungs' tips, of the domes of the diaphragm and of the lowest lung, and the x of their
    middle."""

    top: float
    dome: float
    bottom: float
    middle: float


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The CT in cubes of `STEP_MM`: `hu` without couch, `body`, its `layer` under the skin (0 to 2), and `used`, those
    of every other voxel that the PET is held against; None for `lungs` that are not in view."""

    grid: Grid
    hu: Image
    body: Mask
    layer: NDArray[np.intp]
    used: Mask
    lungs: Lungs | None


def anatomy_of(ct: Volume) -> Anatomy:
    """Refused as `no-body` where the CT shows none."""
    hu, grid = _cubes(ct)
    body = body_of(hu, grid)
    if body.sum() * grid.voxel_ml < BODY_ML:
        raise Refusal("no-body", "The CT shows no body.", "Check that this series is a CT of the trunk in HU.")
    hu = np.where(body, np.clip(hu, AIR_HU, BONE_HU), AIR_HU).astype(np.float32)
    near = ndimage.distance_transform_edt(~body, sampling=grid.spacing) <= SKIN_MM
    depth = ndimage.distance_transform_edt(body, sampling=grid.spacing)
    lungs = _lungs(hu, body, grid)
    moving = _breathing(lungs, grid) & (depth > STILL_MM)
    every_other = sum(np.indices(body.shape, sparse=True)) % 2 == 0
    return Anatomy(grid, hu, body, np.digitize(depth, LAYERS_MM), near & ~moving & every_other, lungs)


def _cubes(ct: Volume) -> tuple[Image, Grid]:
    """Mean HU in cubes of about `STEP_MM` along the world's axes."""
    block = np.maximum(1, np.rint(STEP_MM / ct.grid.spacing)).astype(int)
    kept = tuple(slice(0, n // b * b) for n, b in zip(ct.grid.shape, block, strict=True))
    (i, a), (j, b), (k, c) = ((n // size, size) for n, size in zip(ct.grid.shape, block.tolist(), strict=True))
    means = np.empty((i, j, k), dtype=np.float32)
    blocks = ct.data[kept].reshape(i, a, j, b, k, c)
    for n in range(k):
        means[:, :, n] = blocks[:, :, :, :, n].mean(axis=(1, 3, 4), dtype=np.float32)
    affine = ct.grid.affine.copy()
    affine[:3, :3] *= block
    affine[:3, 3] = ct.grid.to_mm((block - 1) / 2)
    source = Grid(means.shape, affine)
    target = upright(source, STEP_MM)
    to_source = np.linalg.inv(source.affine) @ target.affine
    hu = ndimage.affine_transform(
        means, to_source[:3, :3], to_source[:3, 3], target.shape, order=1, mode="constant", cval=AIR_HU
    )
    return hu, target


def upright(grid: Grid, step_mm: float) -> Grid:
    """Cubes along the world's axes over the box that `grid` fills."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape])).reshape(3, -1).T
    places = grid.to_mm(corners)
    low, high = places.min(axis=0), places.max(axis=0)
    i, j, k = (int(n) + 1 for n in np.floor((high - low) / step_mm + 1e-6))
    affine = np.diag([step_mm, step_mm, step_mm, 1.0])
    affine[:3, 3] = low
    return Grid((i, j, k), affine)


def _lungs(hu: Image, body: Mask, grid: Grid) -> Lungs | None:
    lungs = lungs_of(hu, body, grid)
    wide = np.flatnonzero(lungs.sum(axis=(0, 1)) * STEP_MM**2 > APEX_MM2)
    if not len(wide):
        return None
    lowest = lungs.argmax(axis=2)[lungs.any(axis=2)]
    low = grid.affine[:3, 3]
    return Lungs(
        top=float(low[2] + STEP_MM * wide[-1]),
        dome=float(low[2] + STEP_MM * np.quantile(lowest, 0.9)),
        bottom=float(low[2] + STEP_MM * lowest.min()),
        middle=float(low[0] + STEP_MM * np.median(np.nonzero(lungs)[0])),
    )


def _breathing(lungs: Lungs | None, grid: Grid) -> Mask:
    """Slices in which organs move with the diaphragm, (1, 1, K); none where there is no lung."""
    height = grid.affine[2, 3] + STEP_MM * np.arange(grid.shape[2])
    if lungs is None:
        return np.zeros((1, 1, grid.shape[2]), dtype=bool)
    above, below = MOVING_MM
    return np.asarray((height >= lungs.bottom - below) & (height <= lungs.dome + above))[None, None]


def smooth(image: NDArray[np.float32], grid: Grid, sigma_mm: float) -> Image:
    return np.asarray(ndimage.gaussian_filter(image, sigma_mm / grid.spacing, mode="nearest"), dtype=np.float32)


def points_of(mask: Mask, grid: Grid) -> Floats:
    """World places (n, 3) of the voxels of a mask, in array order."""
    return grid.to_mm(np.argwhere(mask))
