"""One region from its reader's points: course, wall, and the scores by which it is judged later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment.classical.curve import frames
from petproc.segment.classical.surface import Surface, angles, blur_mm, fit_surface
from petproc.segment.classical.window import Blood
from petproc.segment.seeded.chain import find_chain, sections
from petproc.segment.seeded.circles import PIXEL_MM, small_circle_scores

Floats = NDArray[np.float64]

HALF_HU = 60.0
"""What differs more from the vessel's own HU is not its blood."""
BLOOD_HU = (0.0, 700.0)
"""Blood with little haemoglobin and noise on the one hand, with contrast medium in an artery on the other."""
NEAR_MM = 2.0
NEAR_SHARE = 75.0
"""So near to a point a quarter of the HU is the vessel's, even where the point lies on its wall."""
PLAIN_HU, CONTRAST_HU = 40.0, 90.0
"""Blood without contrast medium, which is taken where the points show less than any with it; then it is measured."""
SPREAD_MM = (0.5, 1.0)
"""How far the radius may leave that of the neighbourhood, where the wall is hidden and where it is visible."""
MARGIN_MM = 40.0
INSIDE_MM, OUTSIDE_MM = (0.5, 2.0), (1.0, 3.0)
"""From the wall inwards and outwards: between them the edge is."""
FULL_EDGE_HU = 50.0
"""An edge of so much counts fully: from blood most of the way to zero, half of the way to fat."""
RADIUS_NEAR_MM = 1.5
AVERAGE = 5
"""Stations over which scores are averaged (10 mm)."""


@dataclass(frozen=True, eq=False)
class Seeded:
    """`ring_score` and `edge` (n,) at the points of `surface`; `off_mm`: the farthest reader's point from its wall,
    0 where all lie inside; `strays_mm` as of its `Chain`."""

    surface: Surface
    ring_score: Floats
    edge: Floats
    off_mm: float
    strays_mm: float


def blood_near(ct: Volume, readers_mm: Floats) -> float:
    """Upper quartile of the HU within 2 mm of the points (m, 3)."""
    offset = np.arange(-NEAR_MM, NEAR_MM + 1e-6, 0.5)
    ball = np.stack(np.meshgrid(offset, offset, offset), axis=-1).reshape(-1, 3)
    ball = ball[(ball**2).sum(axis=1) <= NEAR_MM**2 + 1e-6]
    places = np.moveaxis(ct.grid.to_index(readers_mm[:, None] + ball), 2, 0)
    hu = ndimage.map_coordinates(ct.data, places, np.float32, order=1, mode="nearest")
    return float(np.percentile(hu, NEAR_SHARE))


def fit_tube(ct: Volume, readers_mm: Floats, *, radius_max_mm: float) -> Seeded:
    """The tube from the first to the last of `readers_mm` (m, 3), RAS+ mm in order along the vessel."""
    near = _around(ct, readers_mm)
    hu = blood_near(near, readers_mm)
    blood = Blood(hu if hu > CONTRAST_HU else PLAIN_HU, HALF_HU)
    chain = find_chain(near, readers_mm, blood=blood, radius_max_mm=radius_max_mm)
    blood = Blood(_within(near, chain.points_mm), HALF_HU)
    surface = fit_surface(near, chain.points_mm, chain.radii_mm, blood=blood, spread_mm=SPREAD_MM)
    ring, edges = _ring_scores(near, surface, blood), _edges(near, surface)
    return Seeded(surface, ring, edges, _off(surface, readers_mm), chain.strays_mm)


def _within(ct: Volume, points: Floats) -> float:
    """Median HU along the middle of the vessel."""
    _, normals, binormals = frames(points)
    return float(np.median(sections(ct, points, normals, binormals, reach_mm=PIXEL_MM)))


def _ring_scores(ct: Volume, surface: Surface, blood: Blood) -> Floats:
    """How well a circle of blood fits at every station: the best of nearly its radius, in the middle."""
    radius = surface.equal_radius_mm
    radii = np.arange(2.0, np.ceil(radius.max()) + 1.5)
    around = sections(ct, surface.points_mm, surface.normals, surface.binormals, reach_mm=float(radii[-1]) + 3.0)
    scores = small_circle_scores(around, radii, blood=blood, blur_mm=blur_mm(ct))
    middle = scores.shape[2] // 2
    best = scores[:, :, middle - 1 : middle + 2, middle - 1 : middle + 2].max(axis=(2, 3))
    close = np.abs(radii - radius[:, None]) <= RADIUS_NEAR_MM
    return np.asarray(ndimage.uniform_filter1d(np.where(close, best, -1.0).max(axis=1), AVERAGE, mode="nearest"))


def _edges(ct: Volume, surface: Surface) -> Floats:
    """Mean over the directions of the fall in HU across the wall, as a share of a full edge, 0 to 1, per station."""
    turn = angles()[None, :, None]
    rays = surface.normals[:, None] * np.cos(turn) + surface.binormals[:, None] * np.sin(turn)
    inner, outer = (np.arange(low, high + 1e-6, 0.5) for low, high in (INSIDE_MM, OUTSIDE_MM))
    steps = surface.radii_mm[:, :, None] + np.concatenate([-inner, outer])
    steps = np.maximum(steps, 0.0)
    places = ct.grid.to_index(surface.points_mm[:, None, None] + rays[:, :, None] * steps[..., None])
    hu = ndimage.map_coordinates(ct.data, np.moveaxis(places, 3, 0), np.float32, order=1, mode="nearest")
    fall = hu[:, :, : len(inner)].mean(axis=2) - hu[:, :, len(inner) :].mean(axis=2)
    fall = ndimage.gaussian_filter(fall, (2.0, 2.0), mode=("nearest", "wrap"))
    return np.asarray(np.clip(fall / FULL_EDGE_HU, 0.0, 1.0).mean(axis=1), dtype=np.float64)


def _off(surface: Surface, readers: Floats) -> float:
    away = np.linalg.norm(readers[:, None] - surface.points_mm, axis=2)
    return float(max(0.0, (away - surface.equal_radius_mm).min(axis=1).max()))


def _around(ct: Volume, points_mm: Floats) -> Volume:
    """The part of `ct` within 40 mm of the points' bounding box."""
    corners = np.stack(np.meshgrid(*zip(points_mm.min(axis=0), points_mm.max(axis=0), strict=True)), axis=-1)
    index = ct.grid.to_index(corners.reshape(-1, 3))
    margin = np.abs(np.linalg.inv(ct.grid.affine[:3, :3])).sum(axis=1) * MARGIN_MM
    low = np.clip(np.floor(index.min(axis=0) - margin), 0, ct.grid.shape).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + margin) + 1, 0, ct.grid.shape).astype(int)
    affine = ct.grid.affine.copy()
    affine[:3, 3] = ct.grid.to_mm(low)
    data = ct.data[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    return Volume(data, Grid(data.shape, affine), ct.unit)
