"""The vessel's outer surface in polar coordinates around its centreline, found as one closed curve per station.

A closed curve of least cost is found at every station (dynamic programming around the vessel); where fat or lung lies
outside it is then moved to the place at which a step from blood to outside has the same area under it as the measured
profile, which neither noise nor a symmetric blur displaces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.volume import Volume
from petproc.segment.classical.curve import frames, smoothed
from petproc.segment.classical.window import Blood

Floats = NDArray[np.float64]

ANGLES = 36
RHO_STEP_MM = 0.5
RHO_FROM_MM = 1.0
RHO_REACH = 1.9
"""Profiles reach so many times the largest radius outwards."""
SMOOTH = (2.0, 0.7, 0.6)
"""Gaussian over stations, angles and radial steps: what averages the noise of a low-dose CT."""
FAT_HU, LUNG_HU, FLOOR_HU = -110.0, -400.0, -500.0
OUTSIDE_MM = 5.0
VISIBLE_HU = 50.0
"""A wall is visible where it gets so much darker than blood outside."""
INSIDE_MM = 3.0
LUNG_ALLOWANCE_MM = 0.8
ROUNDS = 4


@dataclass(frozen=True, eq=False)
class Surface:
    """Centreline `points_mm` (n, 3) RAS+ mm, `normals` and `binormals` (n, 3), and `radii_mm` (n, 36) of the outer
    wall at angle 2 pi a / 36 from the normal towards the binormal; `visible` (n, 36): fat or lung within 5 mm outside.
    """

    points_mm: Floats
    tangents: Floats
    normals: Floats
    binormals: Floats
    radii_mm: Floats
    visible: NDArray[np.bool_]

    @property
    def equal_radius_mm(self) -> Floats:
        """Radius (n,) of the circle of equal area."""
        return np.asarray(np.sqrt(_polygon_area(self.radii_mm) / np.pi))


def angles() -> Floats:
    return np.arange(ANGLES) * 2 * np.pi / ANGLES


def fit_surface(
    ct: Volume, points_mm: Floats, radii_mm: Floats, *, blood: Blood, spread_mm: tuple[float, float]
) -> Surface:
    """Surface of the tube that runs near `points_mm` (n, 3) with about `radii_mm` (n,).

    Re-centred four times. `spread_mm` is how far the radius may leave that of its neighbourhood, where the wall is
    hidden and where it is visible: a hidden wall is placed where the neighbouring visible ones suggest.
    """
    points, radii = smoothed(points_mm, radii_mm, sigma_mm=7.0)
    tracked = np.linspace(0.0, 1.0, len(radii)), radii
    spread = np.full(len(points), 3.0)
    for _ in range(ROUNDS):
        surface = _surface(ct, points, radii, blood, spread)
        shift = _centroid_shift(surface)
        shift *= np.minimum(1.0, 4.0 / np.maximum(1e-6, np.linalg.norm(shift, axis=1)))[:, None]
        share = ndimage.gaussian_filter1d(surface.visible.mean(axis=1), 3.0, mode="nearest")
        trusted = ndimage.gaussian_filter1d(surface.equal_radius_mm * share**3 + 1e-9, 6.0, mode="nearest")
        trusted /= ndimage.gaussian_filter1d(share**3 + 1e-9, 6.0, mode="nearest")
        seen = np.clip((share - 0.25) / 0.3, 0.0, 1.0)
        expected = np.interp(np.linspace(0.0, 1.0, len(points)), *tracked)
        radii = seen * trusted + (1.0 - seen) * expected
        points, radii, share = smoothed(points + 0.8 * shift, radii, share, sigma_mm=4.0)
        spread = spread_mm[0] + (spread_mm[1] - spread_mm[0]) * np.clip((share - 0.3) / 0.3, 0.0, 1.0)
    return _surface(ct, points, radii, blood, spread)


def _surface(ct: Volume, points: Floats, radii: Floats, blood: Blood, spread: Floats) -> Surface:
    tangents, normals, binormals = frames(points)
    rho = np.arange(RHO_FROM_MM, max(8.0, float(radii.max()) * RHO_REACH), RHO_STEP_MM)
    hu = _profiles(ct, points, normals, binormals, rho)
    hu = np.clip(hu, FLOOR_HU, blood.hu + 2 * blood.half_hu)
    hu = ndimage.gaussian_filter(hu, SMOOTH, mode=("nearest", "wrap", "nearest"))
    cost = _cost(hu, blood)
    step = None
    for _ in range(3):
        near = (
            radii[:, None]
            if step is None
            else 0.5 * radii[:, None] + 0.5 * ndimage.gaussian_filter(rho[step], (3.0, 1.0), mode=("nearest", "wrap"))
        )
        prior = 0.35 * ((rho - near[:, :, None]) / spread[:, None, None]) ** 2
        step = closed_curves(cost + prior)
    assert step is not None
    wall, visible = _edges(hu, rho, step, blood)
    wall = ndimage.gaussian_filter(wall, (0.7, 0.7), mode=("nearest", "wrap"))
    return Surface(points, tangents, normals, binormals, wall, visible)


def _profiles(ct: Volume, points: Floats, normals: Floats, binormals: Floats, rho: Floats) -> NDArray[np.float32]:
    """HU (n, angle, rho) on rays from the centreline, linear between voxels."""
    turn = angles()[None, :, None]
    rays = normals[:, None] * np.cos(turn) + binormals[:, None] * np.sin(turn)
    hu = np.empty((len(points), ANGLES, len(rho)), dtype=np.float32)
    for n, (point, ray) in enumerate(zip(points, rays, strict=True)):
        place = ct.grid.to_index(point + ray[:, None, :] * rho[None, :, None])
        hu[n] = ndimage.map_coordinates(ct.data, np.moveaxis(place, 2, 0), np.float32, order=1, mode="nearest")
    return hu


def _cost(hu: NDArray[np.float32], blood: Blood) -> Floats:
    """Cost (n, angle, rho) of a wall there: what is not blood inside, and no edge and no dark outside."""
    off = np.clip((hu - blood.hu) / blood.half_hu, -1.0, 1.0)
    foreign = np.minimum((off / 0.6) ** 2, 1.0)
    inside = np.cumsum(foreign - 0.35, axis=2) * RHO_STEP_MM
    width = round(4.0 / RHO_STEP_MM)
    summed = np.concatenate([np.zeros((*foreign.shape[:2], 1)), np.cumsum(foreign, axis=2)], axis=2)
    end = np.minimum(np.arange(foreign.shape[2]) + width, foreign.shape[2])
    outside = (summed[:, :, end] - summed[:, :, :-1]) / width
    edge = np.minimum(np.abs(np.gradient(off, RHO_STEP_MM, axis=2)) / 0.25, 1.0)
    return np.asarray(0.35 * np.minimum(inside, 6.0) - 1.2 * edge - 1.0 * outside)


def closed_curves(cost: Floats) -> NDArray[np.int64]:
    """For every station the radial step (n, angle) of a closed curve of least `cost` (n, angle, rho).

    Neighbouring angles differ by at most 2 steps, at 0.25 for one and 0.9 for two. The curve is closed by running one
    and a half times around and keeping the turn in the middle.
    """
    count = cost.shape[1]
    order = np.arange(count + count // 2) % count
    moves, prices = (-2, -1, 0, 1, 2), (0.9, 0.25, 0.0, 0.25, 0.9)
    total = cost[:, order[0]].copy()
    came_from = []
    for angle in order[1:]:
        options = np.full((len(moves), *total.shape), np.inf)
        for option, move, price in zip(options, moves, prices, strict=True):
            # The state before was `move` steps further out.
            inner, outer = slice(0, total.shape[1] - abs(move)), slice(abs(move), total.shape[1])
            here, there = (inner, outer) if move >= 0 else (outer, inner)
            option[:, here] = total[:, there] + price
        best = options.argmin(axis=0)
        total = np.take_along_axis(options, best[None], 0)[0] + cost[:, angle]
        came_from.append(best)
    state = total.argmin(axis=1)
    path = [state]
    for best in reversed(came_from):
        state = state + np.array(moves)[np.take_along_axis(best, state[:, None], 1)[:, 0]]
        path.append(state)
    turn = np.array(path[::-1]).T[:, count // 4 : count // 4 + count]
    curves = np.empty_like(turn)
    curves[:, order[count // 4 : count // 4 + count]] = turn
    return curves


def _edges(
    hu: NDArray[np.float32], rho: Floats, step: NDArray[np.int64], blood: Blood
) -> tuple[Floats, NDArray[np.bool_]]:
    """Radius (n, angle) at sub-step precision, and whether the wall is visible there."""
    back, ahead = round(INSIDE_MM / RHO_STEP_MM), round(OUTSIDE_MM / RHO_STEP_MM)
    offset = np.arange(-back, ahead + 1)
    index = np.clip(step[:, :, None] + offset, 0, len(rho) - 1)
    profile = np.take_along_axis(hu, index, axis=2).astype(np.float64)
    # Only the step from blood to fat is fitted: a thin layer of fat before lung is darkened by it.
    fat = np.maximum(profile, FAT_HU)
    darkest = fat[:, :, back:].argmin(axis=2)
    dark = np.take_along_axis(fat[:, :, back:], darkest[:, :, None], 2)[:, :, 0]
    visible = dark < blood.hu - VISIBLE_HU
    level = np.clip((fat - dark[:, :, None]) / np.maximum(blood.hu - dark, 1.0)[:, :, None], 0.0, 1.2)
    before = offset <= darkest[:, :, None]
    # Trapezoid from the inner end to the darkest place: half weight at the inner end, nothing is left at the outer.
    area = (level * before * np.where(offset == -back, 0.5, 1.0)).sum(axis=2) * RHO_STEP_MM
    moved = area - back * RHO_STEP_MM
    moved += _lung_allowance(profile, np.asarray(offset * RHO_STEP_MM), moved)
    usual = np.array([np.median(m[v]) if v.any() else 0.0 for m, v in zip(moved, visible, strict=True)])
    moved = ndimage.median_filter(np.where(visible, moved, usual[:, None]), size=(3, 3), mode="wrap")
    return _unbent(rho[step] + moved, level, visible), visible


def _lung_allowance(profile: Floats, offset_mm: Floats, moved: Floats) -> Floats:
    """How much further out (n, angle) the wall lies where lung touches it nearly directly.

    Lung is seven times as dark as fat, so that its blur reaches the fat step 1.6 mm before the wall if nothing is
    between, 0.7 mm if 1 mm of fat and pleura is. How close the two crossings are tells that lung is near, not how
    much lies between; half of the largest effect is given back.
    """
    dark = (profile < LUNG_HU) & (offset_mm > moved[:, :, None])
    to_lung = np.where(dark.any(axis=2), offset_mm[dark.argmax(axis=2)] - RHO_STEP_MM / 2 - moved, np.inf)
    return np.asarray(LUNG_ALLOWANCE_MM * np.clip((3.4 - to_lung) / 1.2, 0.0, 1.0))


def _unbent(wall: Floats, level: Floats, visible: NDArray[np.bool_]) -> Floats:
    """`wall` without the inward shift sigma^2 / 2 R of a blurred convex edge; sigma from the steepness of the edges."""
    steepest = -np.gradient(level, RHO_STEP_MM, axis=2).min(axis=2)
    if not visible.any():
        return wall
    sigma = 1.0 / (np.sqrt(2 * np.pi) * np.median(steepest[visible]))
    return np.asarray(wall + sigma**2 / (2 * np.maximum(wall, 2.0)))


def _polygon_area(radii: Floats) -> Floats:
    return np.asarray(0.5 * np.sin(2 * np.pi / ANGLES) * (radii * np.roll(radii, -1, axis=1)).sum(axis=1))


def _centroid_shift(surface: Surface) -> Floats:
    """From every point of the centreline to the centroid of its cross-section, (n, 3) mm."""
    u, v = surface.radii_mm * np.cos(angles()), surface.radii_mm * np.sin(angles())
    next_u, next_v = np.roll(u, -1, axis=1), np.roll(v, -1, axis=1)
    cross = u * next_v - next_u * v
    area = cross.sum(axis=1) / 2.0
    centre_u = ((u + next_u) * cross).sum(axis=1) / (6.0 * area)
    centre_v = ((v + next_v) * cross).sum(axis=1) / (6.0 * area)
    return np.asarray(surface.normals * centre_u[:, None] + surface.binormals * centre_v[:, None])
