"""How well a small vessel fits at every place of sections across its course, on one scale for all radii.

What a perfect vessel of a radius would show, blood in fat behind the CT's blur, is the measure: its edge and the HU in
its middle. Without this a wide vein scores better than the thin artery beside it, and a chain of circles leaps over.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.segment.classical.tracking import add_shifted
from petproc.segment.classical.window import Blood

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

PIXEL_MM = 1.0
FAT_HU = -100.0
DIRECTIONS = 16
SMOOTH = (1.2, 0.8, 0.8)
"""Gaussian over sections and pixels before anything is measured."""
EDGE_MM = 1.0
"""The edge is the fall in HU from so far inside the circle to as far outside."""
BRIGHT_OUTSIDE = 0.8
"""What a rise costs, where a fall earns 1."""
RIM_MM, CORE_MM = 1.5, 1.0
"""The middle is looked at as far out as the circle less the rim, at least so far; by a Gaussian of half of that."""
MIDDLE_HU, MIDDLE_WEIGHT = 40.0, 0.9
"""A middle that is off by so much, or more, costs the weight."""
IDEAL_PIXEL_MM = 0.25


def small_circle_scores(stack: Array, radii_mm: Floats, *, blood: Blood, blur_mm: float) -> Array:
    """Scores (n, radius, i, j), about -1 to 1, of `stack` (n, i, j): HU in sections with pixels of 1 mm.

    1: as a vessel in fat looks on a CT whose edges have the standard deviation `blur_mm`. `radii_mm` are 1 mm apart.
    """
    clipped = np.clip(stack, FAT_HU, blood.hu + blood.half_hu)
    smooth = ndimage.gaussian_filter(clipped.astype(np.float32), SMOOTH, mode="nearest")
    edges, middles = _ideal(radii_mm, blood.hu, float(np.hypot(blur_mm, SMOOTH[1] * PIXEL_MM)))
    scores = np.zeros((len(stack), len(radii_mm), *stack.shape[1:]), dtype=np.float32)
    for angle in np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS:
        circles = np.zeros((len(stack), len(radii_mm) + 2, *stack.shape[1:]), dtype=np.float32)
        for n, radius in enumerate([radii_mm[0] - EDGE_MM, *radii_mm, radii_mm[-1] + EDGE_MM]):
            add_shifted(circles[:, n], smooth, radius * np.cos(angle) / PIXEL_MM, radius * np.sin(angle) / PIXEL_MM)
        fall = (circles[:, :-2] - circles[:, 2:]) / edges[:, None, None]
        scores += np.clip(np.where(fall > 0, fall, BRIGHT_OUTSIDE * fall), -BRIGHT_OUTSIDE, 1.0) / DIRECTIONS
    for n, (radius, middle) in enumerate(zip(radii_mm, middles, strict=True)):
        core = _core(radius) / PIXEL_MM
        mean = ndimage.gaussian_filter(smooth, (0.0, core, core), mode="nearest")
        scores[:, n] -= MIDDLE_WEIGHT * np.minimum(np.abs(mean - middle) / MIDDLE_HU, 1.0)
    return scores


def _ideal(radii_mm: Floats, blood_hu: float, blur_mm: float) -> tuple[Array, Array]:
    """Fall across the edge and mean HU of the middle, (radius,) each, of blood in fat behind the blur."""
    half = round((float(radii_mm[-1]) + EDGE_MM + 4 * blur_mm) / IDEAL_PIXEL_MM)
    offset = np.arange(-half, half + 1) * IDEAL_PIXEL_MM
    distance = np.hypot(offset[:, None], offset)
    edges, middles = [], []
    for radius in radii_mm:
        share = ndimage.gaussian_filter((distance <= radius).astype(np.float64), blur_mm / IDEAL_PIXEL_MM)
        inner, outer = np.interp([radius - EDGE_MM, radius + EDGE_MM], offset[half:], share[half, half:])
        edges.append((blood_hu - FAT_HU) * (inner - outer))
        # What a Gaussian of variance v sees of a disc from its middle is 1 - exp(-r^2 / 2 v).
        variance = blur_mm**2 + _core(radius) ** 2
        middles.append(FAT_HU + (blood_hu - FAT_HU) * -np.expm1(-(radius**2) / (2 * variance)))
    return np.array(edges, dtype=np.float32), np.array(middles, dtype=np.float32)


def _core(radius_mm: float) -> float:
    return max(radius_mm - RIM_MM, CORE_MM) / 2.0
