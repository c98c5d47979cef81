"""The vessel's outer surface in polar coordinates around its centreline, found as one closed curve per station.

A closed curve of least cost is found at every station (dynamic programming around the vessel); where fat or lung lies
outside it is then moved to where the profile crosses the level halfway between blood and fat, which a symmetric blur
does not displace; what a convex edge and lung nearby do displace is given back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.volume import Volume
from petproc.segment.classical.curve import frames, smoothed
from petproc.segment.classical.fat import FAT_HU, surroundings_hu
from petproc.segment.classical.window import Blood

Floats = NDArray[np.float64]

ANGLES = 36
RHO_STEP_MM = 0.5
RHO_FROM_MM = 1.0
RHO_REACH = 1.9
"""Profiles reach so many times the largest radius outwards."""
SMOOTH = (2.0, 0.7, 0.6)
"""Gaussian over stations, angles and radial steps: what averages the noise of a low-dose CT."""
LUNG_HU, FLOOR_HU = -400.0, -500.0
OUTSIDE_MM = 5.0
BLOOD_SHARE = (0.35, 0.7)
"""Between these shares of the radius there is blood alone."""
VISIBLE_HU, VISIBLE_SHARE = 50.0, 0.6
"""A wall is visible where it gets so much darker than blood outside, or by so much of the way to what surrounds it."""
INSIDE_MM, INWARD_MM, OUTWARD_MM = 3.0, 2.0, 2.5
"""How far inside profiles are looked at, and how far the wall may lie from the curve."""
KERNEL_MM = 0.85
THIN_SHARE = 0.55
"""The wall's level is at most this share of the way to the darkest place outside (half of it where fat is dirty)."""
ROUNDS = 4


@dataclass(frozen=True, eq=False)
class Surface:
    """Centreline `points_mm` (n, 3) RAS+ mm, `normals` and `binormals` (n, 3), and `radii_mm` (n, 36) of the outer
    wall at angle 2 pi a / 36 from the normal towards the binormal; `visible` (n, 36): fat or lung within 5 mm outside;
    `outside_hu`: what was taken to surround it.
    """

    points_mm: Floats
    tangents: Floats
    normals: Floats
    binormals: Floats
    radii_mm: Floats
    visible: NDArray[np.bool_]
    outside_hu: float = FAT_HU

    def __getitem__(self, part: slice) -> Surface:
        return Surface(
            self.points_mm[part],
            self.tangents[part],
            self.normals[part],
            self.binormals[part],
            self.radii_mm[part],
            self.visible[part],
            self.outside_hu,
        )

    @property
    def equal_radius_mm(self) -> Floats:
        """Radius (n,) of the circle of equal area."""
        return np.asarray(np.sqrt(_polygon_area(self.radii_mm) / np.pi))


def angles() -> Floats:
    return np.arange(ANGLES) * 2 * np.pi / ANGLES


def fit_surface(
    ct: Volume,
    points_mm: Floats,
    radii_mm: Floats,
    *,
    blood: Blood,
    spread_mm: tuple[float, float],
    outside_hu: float | None = None,
) -> Surface:
    """Surface of the tube that runs near `points_mm` (n, 3) with about `radii_mm` (n,).

    Re-centred four times. `spread_mm` is how far the radius may leave that of its neighbourhood, where the wall is
    hidden and where it is visible: a hidden wall is placed where the neighbouring visible ones suggest.
    `outside_hu`: what surrounds vessels in this person, where a longer vessel has told.
    """
    points, radii = smoothed(points_mm, radii_mm, sigma_mm=7.0)
    tracked = np.linspace(0.0, 1.0, len(radii)), radii
    spread = np.full(len(points), 3.0)
    for _ in range(ROUNDS):
        surface = _surface(ct, points, radii, blood, spread=spread, outside_hu=outside_hu)
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
    return _surface(ct, points, radii, blood, spread=spread, outside_hu=outside_hu)


def _surface(
    ct: Volume, points: Floats, radii: Floats, blood: Blood, *, spread: Floats, outside_hu: float | None
) -> Surface:
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
    if outside_hu is None:
        outside_hu = surroundings_hu(_beyond(hu, step).min(axis=2), noise_hu=_noise_hu(hu, rho, radii))
    wall, visible = _edges(hu, rho, step, blood=blood, sigma=blur_mm(ct), outside_hu=outside_hu)
    wall = ndimage.gaussian_filter(wall, (0.7, 0.7), mode=("nearest", "wrap"))
    return Surface(points, tangents, normals, binormals, wall, visible, outside_hu)


def _noise_hu(hu: NDArray[np.float32], rho: Floats, radii: Floats) -> float:
    """Noise of the profiles `hu` (n, angle, rho), SD, from the blood between axis and wall: 1.48 times the median
    distance from each station's median."""
    inner = (rho > BLOOD_SHARE[0] * radii[:, None]) & (rho < BLOOD_SHARE[1] * radii[:, None])
    blood = np.where(inner[:, None, :], hu, np.nan)
    return float(1.4826 * np.nanmedian(np.abs(blood - np.nanmedian(blood, axis=(1, 2), keepdims=True))))


def _beyond(hu: NDArray[np.float32], step: NDArray[np.int64]) -> NDArray[np.float32]:
    """HU (n, angle, m) from the wall to 5 mm outside."""
    ahead = np.arange(round(OUTSIDE_MM / RHO_STEP_MM) + 1)
    return np.take_along_axis(hu, np.minimum(step[:, :, None] + ahead, hu.shape[2] - 1), axis=2)


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
    hu: NDArray[np.float32], rho: Floats, step: NDArray[np.int64], *, blood: Blood, sigma: float, outside_hu: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Radius (n, angle) at sub-step precision, and whether the wall is visible there."""
    back, ahead = round(INSIDE_MM / RHO_STEP_MM), round(OUTSIDE_MM / RHO_STEP_MM)
    offset = np.arange(-back, ahead + 1)
    index = np.clip(step[:, :, None] + offset, 0, len(rho) - 1)
    profile = np.take_along_axis(hu, index, axis=2).astype(np.float64)
    outside_hu = min(outside_hu, blood.hu - 1.0)
    fat = np.maximum(profile, outside_hu)
    dark = fat[:, :, back:].min(axis=2)
    visible = dark < blood.hu - min(VISIBLE_HU, VISIBLE_SHARE * (blood.hu - outside_hu))
    # Halfway to what fat is, not to what a thin layer of it looks like: that would lie too far inside.
    wall_hu = np.maximum((blood.hu + outside_hu) / 2.0, blood.hu - THIN_SHARE * (blood.hu - dark))
    near = slice(back - round(INWARD_MM / RHO_STEP_MM), back + round(OUTWARD_MM / RHO_STEP_MM) + 1)
    moved = _crossing(fat[:, :, near], wall_hu) * RHO_STEP_MM - INWARD_MM
    found = visible & np.isfinite(moved)
    moved += _lung_allowance(profile, np.asarray(offset * RHO_STEP_MM), moved, sigma)
    usual = np.array([np.median(m[f]) if f.any() else 0.0 for m, f in zip(moved, found, strict=True)])
    moved = ndimage.median_filter(np.where(found, moved, usual[:, None]), size=(3, 3), mode="wrap")
    wall = rho[step] + moved
    # The half-way place of a convex edge of radius R that is blurred by sigma lies sigma^2 / 2 R too far inside.
    return wall + sigma**2 / (2 * np.maximum(wall, 2.0)), visible


def _crossing(profile: Floats, level: Floats) -> Floats:
    """Where (in steps) the profile (n, angle, m) first falls through `level` (n, angle), linear; NaN where nowhere."""
    inner, outer = profile[:, :, :-1], profile[:, :, 1:]
    falls = (inner > level[:, :, None]) & (outer <= level[:, :, None])
    first = falls.argmax(axis=2)
    high, low = (np.take_along_axis(side, first[:, :, None], 2)[:, :, 0] for side in (inner, outer))
    place = first + (high - level) / np.maximum(high - low, 1e-6)
    return np.asarray(np.where(falls.any(axis=2), place, np.nan))


def blur_mm(ct: Volume) -> float:
    """Standard deviation of a sharp edge in the profiles: the scanner's kernel, voxel averaging, linear interpolation.

    Not measured from the profiles: fat that is not clean looks like blur and would push the wall outwards.
    """
    voxel_mm = np.sort(ct.grid.spacing)[:2].mean()
    return float(np.sqrt(KERNEL_MM**2 + voxel_mm**2 * (1 / 12 + 1 / 6)))


def _lung_allowance(profile: Floats, offset_mm: Floats, moved: Floats, sigma: float) -> Floats:
    """How much further out (n, angle) the wall lies where lung is near.

    Lung is seven times as dark as fat: its blur reaches the level of the wall 1.4 sigma before the wall where nothing
    is between, 0.6 sigma where one sigma of fat and pleura is. How close the two crossings are tells that lung is
    near, not how much lies between; half of the largest effect is given back.
    """
    dark = (profile < LUNG_HU) & (offset_mm > moved[:, :, None])
    to_lung = np.where(dark.any(axis=2), offset_mm[dark.argmax(axis=2)] - RHO_STEP_MM / 2 - moved, np.inf)
    return np.asarray(0.65 * sigma * np.clip(2.8 - to_lung / sigma, 0.0, 1.0))


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
