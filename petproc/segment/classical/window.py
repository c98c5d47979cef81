"""A stack of axial crops whose middle follows a line, such as the spine: the frame in which vessels are tracked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petproc.core.volume import Volume
from petproc.segment.classical.tracking import circle_scores, viterbi
from petproc.segment.torso import STEP_MM

Floats = NDArray[np.float64]
OUTSIDE_HU = -1000.0


@dataclass(frozen=True, eq=False)
class Window:
    """`stack` (n, a, b): crops at slices `k` of a 2 mm image whose element (a, b) is voxel (first_i + a, first_j + b).

    `left_mm` (a,) and `front_mm` (b,): place of a column and a row relative to the line.
    """

    k: NDArray[np.int64]
    first_i: NDArray[np.int64]
    first_j: NDArray[np.int64]
    left_mm: Floats
    front_mm: Floats
    stack: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Blood:
    """The vessel's own HU and how far from it still looks like blood."""

    hu: float
    half_hu: float


@dataclass(frozen=True, eq=False)
class Track:
    """A chain of circles, one per slice: centres (n, 3) in voxels of the 2 mm image, radii in mm, circle scores."""

    voxels: Floats
    radii_mm: Floats
    scores: Floats

    def __getitem__(self, part: slice) -> Track:
        return Track(self.voxels[part], self.radii_mm[part], self.scores[part])


def follow(
    image: Volume,
    k: NDArray[np.int64],
    line: tuple[Floats, Floats],
    *,
    left: tuple[float, float],
    front: tuple[float, float],
) -> Window:
    """Crops of `image` at slices `k` around the `line` (i, j) per slice, from `left[0]` to `left[1]` mm to the
    patient's left (negative: to the right) and `front[0]` to `front[1]` mm to the front."""
    a_from, a_to = int(np.floor(-left[1] / STEP_MM)), int(np.ceil(-left[0] / STEP_MM))
    b_from, b_to = int(np.floor(front[0] / STEP_MM)), int(np.ceil(front[1] / STEP_MM))
    first_i, first_j = (np.rint(axis).astype(np.int64) for axis in line)
    first_i, first_j = first_i + a_from, first_j + b_from
    shape = (a_to - a_from + 1, b_to - b_from + 1)
    stack = np.stack([_crop(image.data[:, :, s], i, j, shape) for s, i, j in zip(k, first_i, first_j, strict=True)])
    return Window(
        k,
        first_i,
        first_j,
        np.asarray(-STEP_MM * np.arange(a_from, a_to + 1)),
        np.asarray(STEP_MM * np.arange(b_from, b_to + 1)),
        stack,
    )


def _crop(plane: NDArray[np.float32], i: int, j: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    crop = np.full(shape, OUTSIDE_HU, dtype=np.float32)
    i0, i1 = max(0, i), min(plane.shape[0], i + shape[0])
    j0, j1 = max(0, j), min(plane.shape[1], j + shape[1])
    if i1 > i0 and j1 > j0:
        crop[i0 - i : i1 - i, j0 - j : j1 - j] = plane[i0:i1, j0:j1]
    return crop


def scores(window: Window, radii_mm: Floats, blood: Blood) -> NDArray[np.float32]:
    """Circle scores (n, radius, a, b) of the window."""
    return circle_scores(window.stack, radii_mm, blood_hu=blood.hu, half_hu=blood.half_hu)


def track(
    window: Window,
    radii_mm: Floats,
    score: NDArray[np.float32],
    *,
    prior: NDArray[np.float32],
    penalty: tuple[float, float, float],
) -> Track:
    """The best chain of circles for `score` plus `prior` (both (n, radius, a, b)); `penalty` per step of r, a, b."""
    path = viterbi(score + prior, penalty)
    r, a, b = path.T
    voxels = np.stack([window.first_i + a, window.first_j + b, window.k], axis=1).astype(np.float64)
    return Track(voxels, radii_mm[r], score[np.arange(len(path)), r, a, b].astype(np.float64))


def beyond(value: Floats, middle: float, width: float, scale: float) -> Floats:
    """Squared excess of |value - middle| over `width` in units of `scale`: a prior without a pull inside the band."""
    return np.asarray((np.maximum(0.0, np.abs(value - middle) - width) / scale) ** 2)
