"""The spine as a line: the centre of the spinal canal and the front of the vertebral bodies in every axial slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import fftconvolve

from petproc.segment.classical.tracking import viterbi
from petproc.segment.torso import COARSE, STEP_MM, Torso

BONE_FROM_HU, BONE_RANGE_HU = 90.0, 220.0
BODY_FORWARD_MM, BODY_RADIUS_MM = 23.0, 13.0
"""Centre of the vertebral body in front of the canal's centre, and its radius (adult, T4 to L4)."""
CANAL_RADIUS_MM = 6.0
ARCH_MM = (9.0, 15.0)
CORTEX_HU = 110.0
MIDLINE_COST = 0.004
FORWARD_COST = 0.02
FRONT_DEFAULT_MM = 18.0
FOUND_MEDIAN = 0.3
"""Spines reach 0.5 to 0.9, strong white noise 0.2."""


@dataclass(frozen=True, eq=False)
class Spine:
    """Per slice of the 2 mm image, shape (n,): the vertebral centre (voxels i, j; 22 mm before the canal) and
    how far its front cortex lies before it (mm)."""

    i: NDArray[np.float64]
    j: NDArray[np.float64]
    front_mm: NDArray[np.float64]


def find_spine(torso: Torso) -> Spine | None:
    """The best line for a template of vertebral body, canal and posterior arch; its prior is the middle of the body.

    None where the template fits no better than it fits noise.
    """
    bone = np.clip((torso.image.data[::COARSE, ::COARSE, ::COARSE] - BONE_FROM_HU) / BONE_RANGE_HU, -0.27, 1.0)
    bone = np.moveaxis(ndimage.gaussian_filter1d(bone, 9.0 / (COARSE * STEP_MM), axis=2), 2, 0)
    score = fftconvolve(bone, _template()[None, ::-1, ::-1], mode="same", axes=(1, 2)) + _prior(torso)
    states = viterbi(np.asarray(score, dtype=np.float32), (0.08, 0.08))
    if np.median(score[np.arange(len(states)), states[:, 0], states[:, 1]]) < FOUND_MEDIAN:
        return None
    path = ndimage.gaussian_filter1d(states.astype(np.float64), 8.0 / (COARSE * STEP_MM), axis=0)
    k = np.arange(torso.image.grid.shape[2]) / COARSE
    i, j = (COARSE * np.interp(k, np.arange(len(path)), path[:, axis]) for axis in range(2))
    j = j + (BODY_FORWARD_MM - 1.0) / STEP_MM
    return Spine(i, j, _front(torso.image.data, i, j))


def _template() -> NDArray[np.float64]:
    step = COARSE * STEP_MM
    offset = np.arange(-14, 15) * step
    i, j = np.meshgrid(offset, offset, indexing="ij")
    from_canal = np.hypot(i, j)
    body = np.hypot(i, j - BODY_FORWARD_MM) < BODY_RADIUS_MM
    canal = from_canal < CANAL_RADIUS_MM
    arch = (from_canal > ARCH_MM[0]) & (from_canal < ARCH_MM[1]) & (j < -2.0)
    return np.asarray(body / body.sum() - canal / canal.sum() + 0.6 * arch / arch.sum())


def _prior(torso: Torso) -> NDArray[np.float64]:
    """Less for places away from the middle of the body and for places in its front half, (1, i, j)."""
    i, j = (np.arange(n, dtype=np.float64) for n in torso.body.shape[:2])
    weight = torso.body.sum(axis=2)
    total = max(1, weight.sum())
    middle_i = (weight.sum(axis=1) * i).sum() / total
    middle_j = (weight.sum(axis=0) * j).sum() / total
    step = COARSE * STEP_MM
    aside = MIDLINE_COST * np.abs(i - middle_i) * step
    forward = FORWARD_COST * np.maximum(0.0, j - middle_j) * step
    return np.asarray(-(aside[:, None] + forward[None, :])[None])


def _front(data: NDArray[np.float32], i: NDArray[np.float64], j: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the front cortex lies before the vertebral centre, smoothed along the spine, mm."""
    reach = int(34.0 / STEP_MM)
    found = np.full(len(i), np.nan)
    for k in range(len(i)):
        i0, j0 = round(i[k]), round(j[k])
        lines = data[max(0, i0 - 3) : i0 + 4, j0 : j0 + reach, k]
        bone = np.flatnonzero(lines.mean(axis=0) > CORTEX_HU) if lines.size else np.array([])
        if len(bone) and bone[-1] * STEP_MM < 32.0:
            found[k] = bone[-1]
    known = np.isfinite(found)
    if not known.any():
        return np.full(len(i), FRONT_DEFAULT_MM)
    front = np.interp(np.arange(len(i)), np.flatnonzero(known), found[known])
    return np.asarray(ndimage.gaussian_filter1d(ndimage.median_filter(front, 21, mode="nearest"), 5.0) * STEP_MM)
