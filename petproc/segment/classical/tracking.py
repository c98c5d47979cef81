"""The best path of a state through a stack of slices, and how well a circle of blood fits at every place of a slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.segment.torso import STEP_MM

Array = NDArray[np.float32]

DIRECTIONS = 24
GRADIENT_SHARE = 0.1
"""Of the HU half-window per mm: the edge gradient (6 HU/mm at 60 HU) from which an edge counts fully."""
BRIGHT_OUTSIDE = 0.8
DEVIATION_SHARE = 0.55
DEVIATION_WEIGHT = 0.9
RIM_MM = 2.0


def viterbi(score: Array, penalty: tuple[float, ...]) -> NDArray[np.int64]:
    """States (n, d) of the path of largest sum of `score` (n, *states) minus `penalty` per step and axis.

    From one slice to the next every axis of the state moves by -1, 0 or +1; each move on axis a costs `penalty[a]`.
    """
    best = np.empty_like(score)
    best[0] = score[0]
    for k in range(1, len(score)):
        best[k] = score[k] + _relaxed(best[k - 1], penalty)
    state = np.unravel_index(int(best[-1].argmax()), best[-1].shape)
    path = [state]
    for k in range(len(score) - 2, -1, -1):
        state = _predecessor(best[k], state, penalty)
        path.append(state)
    return np.array(path[::-1], dtype=np.int64)


def _relaxed(best: Array, penalty: tuple[float, ...]) -> Array:
    for axis, cost in enumerate(penalty):
        moved = best.copy()
        here, there = [slice(None)] * best.ndim, [slice(None)] * best.ndim
        here[axis], there[axis] = slice(1, None), slice(None, -1)
        np.maximum(moved[tuple(here)], best[tuple(there)] - cost, out=moved[tuple(here)])
        np.maximum(moved[tuple(there)], best[tuple(here)] - cost, out=moved[tuple(there)])
        best = moved
    return best


def _predecessor(best: Array, state: tuple[np.intp, ...], penalty: tuple[float, ...]) -> tuple[np.intp, ...]:
    low = [max(0, int(at) - 1) for at in state]
    near = best[tuple(slice(start, int(at) + 2) for start, at in zip(low, state, strict=True))].astype(np.float64)
    for axis, cost in enumerate(penalty):
        moves = np.abs(np.arange(near.shape[axis]) + low[axis] - state[axis]) * cost
        near = near - moves.reshape([-1 if a == axis else 1 for a in range(near.ndim)])
    offset = np.unravel_index(int(near.argmax()), near.shape)
    return tuple(np.intp(start + step) for start, step in zip(low, offset, strict=True))


def circle_scores(stack: Array, radii_mm: NDArray[np.float64], *, blood_hu: float, half_hu: float) -> Array:
    """How well a circle of blood fits: (n, radius, i, j), about -1 to 1.

    `stack` (n, i, j): axial slices in HU, 2 mm apart and of 2 mm pixels. The score is the mean over 24 directions of
    the saturated outward fall in HU at the radius (a rise counts against, less) minus the mean deviation from
    `blood_hu` within; both on HU clipped to `blood_hu` +- `half_hu`.
    """
    clipped = np.clip(stack, blood_hu - half_hu, blood_hu + half_hu)
    smooth = ndimage.gaussian_filter(clipped, (1.2, 0.8, 0.8))
    slope_i, slope_j = (np.gradient(smooth, STEP_MM, axis=axis) for axis in (1, 2))
    deviation = np.abs(ndimage.gaussian_filter(clipped, (1.2, 1.0, 1.0)) - blood_hu)
    deviation = np.minimum(deviation / (DEVIATION_SHARE * half_hu), 1.0)
    scores = np.stack([-DEVIATION_WEIGHT * _disc_mean(deviation, radius) for radius in radii_mm], axis=1)
    for angle in np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS:
        fall = -(slope_i * np.cos(angle) + slope_j * np.sin(angle)) / (GRADIENT_SHARE * half_hu)
        edge = np.minimum(np.where(fall > 0, fall, -BRIGHT_OUTSIDE * fall), 1.0) / DIRECTIONS
        for r, radius in enumerate(radii_mm):
            add_shifted(scores[:, r], edge, radius * np.cos(angle) / STEP_MM, radius * np.sin(angle) / STEP_MM)
    return np.asarray(scores, dtype=np.float32)


def add_shifted(total: Array, image: Array, di: float, dj: float) -> None:
    """Add to `total[n, i, j]` the value of `image` at (i + di, j + dj), bilinear, 0 outside."""
    i0, j0 = int(np.floor(di)), int(np.floor(dj))
    fi, fj = di - i0, dj - j0
    for i, wi in ((i0, 1 - fi), (i0 + 1, fi)):
        for j, wj in ((j0, 1 - fj), (j0 + 1, fj)):
            if wi * wj > 1e-6:
                to_i, from_i = _overlap(i, total.shape[1])
                to_j, from_j = _overlap(j, total.shape[2])
                total[:, to_i, to_j] += np.float32(wi * wj) * image[:, from_i, from_j]


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    size = max(size, abs(shift))
    if shift >= 0:
        return slice(0, size - shift), slice(shift, size)
    return slice(-shift, size), slice(0, size + shift)


def _disc_mean(image: Array, radius_mm: float) -> Array:
    """Mean of `image[n, i, j]` over the disc of `radius_mm` less the rim, zero outside the image."""
    reach = max(radius_mm - RIM_MM, 2.0) / STEP_MM
    rows = np.arange(-int(reach), int(reach) + 1)
    halves = np.floor(np.sqrt(reach**2 - rows**2)).astype(int)
    margin = int(reach) + 1
    padded = np.pad(image, ((0, 0), (margin, margin), (margin, margin)))
    summed = np.cumsum(np.pad(padded, ((0, 0), (0, 0), (1, 0))), axis=2, dtype=np.float64)
    ni, nj = image.shape[1:]
    total = np.zeros(image.shape)
    for row, half in zip(rows, halves, strict=True):
        line = summed[:, margin + row : margin + row + ni]
        total += line[:, :, margin + half + 1 : margin + half + 1 + nj] - line[:, :, margin - half : margin - half + nj]
    return np.asarray(total / (2 * halves + 1).sum(), dtype=np.float32)
