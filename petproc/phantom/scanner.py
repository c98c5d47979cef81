"""What a scanner makes of the drawn body: low-dose CT at one breath, PET averaged over breathing, beds and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from petproc.core.grid import Grid
from petproc.phantom.canvas import EDGE
from petproc.phantom.space import Floats, Lattice

PSF_FWHM_MM = 6.0
"""Of the whole chain, object to PET voxel; the voxels are point samples."""
FWHM_TO_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
BREATH_MM = 8.0
"""Travel of the liver between the extremes of breathing."""
BREATH_PHASES = (0.0, 0.2, 0.5, 0.8, 1.0)
CT_PHASE = 0.35
CT_NOISE_HU = 18.0
NOISE_FWHM_MM = 5.0
LIVER_SUV = 2.0

Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Parts:
    """PET images of unit weight, (I, J, K) float32: everything but blood and wall, blood, aortic wall."""

    other: Image
    blood: Image
    wall: Image


def centres(grid: Grid, axis: int) -> Floats:
    """World coordinate of the voxel centres along one axis of an axis-parallel grid."""
    return np.asarray(grid.affine[axis, 3] + grid.affine[axis, axis] * np.arange(grid.shape[axis]))


def kernel_operator(source: Floats, target: Floats, kernel: str, width: float) -> sparse.csr_matrix:
    """(targets, sources) weights that sum to one a row: "gauss" of sigma or "triangle" of half base `width` (mm)."""
    step = abs(source[1] - source[0])
    reach = int(np.ceil((5.0 * width if kernel == "gauss" else width) / step)) + 1
    nearest = np.rint((target - source[0]) / (source[1] - source[0])).astype(int)
    columns = nearest[:, None] + np.arange(-reach, reach + 1)
    away = source[0] + columns * (source[1] - source[0]) - target[:, None]
    weight = np.exp(-0.5 * (away / width) ** 2) if kernel == "gauss" else np.clip(1.0 - np.abs(away) / width, 0, None)
    weight = np.where(weight > 1e-6, weight, 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(len(target))[:, None], columns.shape)
    entries = (weight.ravel(), (rows.ravel(), np.clip(columns, 0, len(source) - 1).ravel()))
    matrix = sparse.csr_matrix(entries, shape=(len(target), len(source)), dtype=np.float32)
    matrix.eliminate_zeros()
    return matrix


def resampled(image: Image, operators: tuple[sparse.csr_matrix, ...]) -> Image:
    """Apply one operator per axis."""
    along_i, along_j, along_k = operators
    ni, nj, nk = image.shape
    first = (along_i @ image.reshape(ni, nj * nk)).reshape(-1, nj, nk)
    second = np.stack([along_j @ plane for plane in first])
    return np.asarray((along_k @ second.reshape(-1, nk).T).T.reshape(*second.shape[:2], -1), dtype=np.float32)


def ct_image(hu: Image, fine: Grid, ct: Grid, *, rng: np.random.Generator, noise_hu: float) -> NDArray[np.int16]:
    """Slices as thick as their spacing, noise correlated over 2 x 2 pixels as by a soft kernel."""
    operators = tuple(
        kernel_operator(centres(fine, axis), centres(ct, axis), "triangle", max(fine.spacing[axis], ct.spacing[axis]))
        for axis in range(3)
    )
    image = resampled(hu, operators)
    if noise_hu:
        white = rng.standard_normal((ct.shape[0] + 1, ct.shape[1] + 1, ct.shape[2]), dtype=np.float32)
        white *= np.float32(noise_hu / 2.0)
        rows = white[1:] + white[:-1]
        image += rows[:, 1:]
        image += rows[:, :-1]
    return np.clip(np.rint(image), -1024, 3071).astype(np.int16)


def pet_parts(images: Parts, lattice: Lattice, pet: Grid, pet_lattice: Lattice) -> Parts:
    """Blur with the PSF, sample at the PET's voxel centres, average over breathing."""
    fine = lattice.grid
    sigma = psf_sigma(fine)
    along = [kernel_operator(centres(fine, axis), centres(pet, axis), "gauss", sigma[axis]) for axis in range(3)]
    heights = centres(fine, 2)
    blur = kernel_operator(heights, heights, "gauss", sigma[2])
    still = sparse.identity(fine.shape[2], dtype=np.float32, format="csr")
    travel = displacement(pet_lattice)
    parts = []
    for image in (images.other, images.blood, images.wall):
        columns = resampled(image, (along[0], along[1], still))
        flat = columns.reshape(-1, fine.shape[2]).T
        sampled = np.ascontiguousarray((along[2] @ flat).T.reshape(pet.shape))
        _breathe(
            sampled, np.ascontiguousarray((blur @ flat).T).reshape(columns.shape), travel, heights, centres(pet, 2)
        )
        parts.append(sampled)
    return Parts(*parts)


def psf_sigma(fine: Grid) -> Floats:
    """What is left to blur, (3,) mm, as the drawn edges are blurred already."""
    return np.asarray(np.sqrt((PSF_FWHM_MM / FWHM_TO_SIGMA) ** 2 - (EDGE * fine.spacing) ** 2))


def displacement(lattice: Lattice) -> Image:
    """Downward travel in world mm between end-expiration and end-inspiration, (I, J, K).

    Full in front of liver and stomach, fading over the heart to nothing above the carina; nothing at the back, where
    descending and abdominal aorta lie.
    """
    height = np.interp(lattice.z, (-340, -250, -120, -20), (0.0, 1.0, 1.0, 0.0)).astype(np.float32)
    height = height * height * (3 - 2 * height)
    back = np.interp(lattice.z, (-300, -200, -160, -110), (16, 4, -4, -18)).astype(np.float32)
    front = np.clip((lattice.y - back) / 35, 0, 1)
    return np.asarray(BREATH_MM * height * front * front * (3 - 2 * front), dtype=np.float32)


def _breathe(sampled: Image, blurred: Image, travel: Image, heights: Floats, pet_heights: Floats) -> None:
    """Replace the moving voxels of `sampled` by their mean over the phases, read from `blurred` on fine heights."""
    moving = np.flatnonzero(travel.ravel() > 0.02)
    column, k = np.divmod(moving, travel.shape[2])
    place = (pet_heights[k] - heights[0]) / (heights[1] - heights[0])
    per_mm = travel.ravel()[moving] / (heights[1] - heights[0])
    lines = blurred.reshape(-1, len(heights))
    mean = np.zeros(len(moving))
    for phase in BREATH_PHASES:
        at = np.clip(place + (phase - CT_PHASE) * per_mm, 0, len(heights) - 1.001)
        low = at.astype(np.int64)
        share = at - low
        mean += (1 - share) * lines[column, low] + share * lines[column, low + 1]
    sampled.ravel()[moving] = mean / len(BREATH_PHASES)


def with_noise(image: Image, level: float, *, voxel_mm: Floats, liver: float, rng: np.random.Generator) -> Image:
    """Noise as in reconstructed PET: never negative, unbiased, variance proportional to activity, correlated.

    `level` is the coefficient of variation of a voxel at the activity `liver`. Counts are drawn from gamma
    distributions whose mean is the image; image times (filtered counts / filtered image) keeps the mean of every
    voxel and is not blurred any further.
    """
    if not level:
        return image
    sigma = NOISE_FWHM_MM / FWHM_TO_SIGMA / voxel_mm
    impulse = np.zeros((31, 31, 31), np.float32)
    impulse[15, 15, 15] = 1.0
    sum_of_squares = float((_smooth(impulse, sigma).astype(np.float64) ** 2).sum())
    counts_per_activity = sum_of_squares / (level**2 * liver)
    shape = np.maximum(image, 0) * np.float32(counts_per_activity)
    counts = rng.standard_gamma(shape, dtype=np.float32)
    expected = _smooth(shape, sigma)
    ratio = np.divide(_smooth(counts, sigma), expected, out=np.zeros_like(expected), where=expected > 1e-3)
    return np.asarray(image * ratio, dtype=np.float32)


def _smooth(image: Image, sigma: Floats) -> Image:
    return np.asarray(ndimage.gaussian_filter(image, sigma, mode="nearest", truncate=3.0))
