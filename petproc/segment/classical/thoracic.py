"""Ascending aorta and arch: a chain of circles before the trachea, joined to the descending aorta through blood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.body import AIR_HU
from petproc.segment.classical.descending import Descending
from petproc.segment.classical.spine import Spine
from petproc.segment.classical.tracking import add_shifted
from petproc.segment.classical.window import Blood, Track, Window, beyond, follow, scores, track
from petproc.segment.torso import STEP_MM, Torso

Floats = NDArray[np.float64]
Array = NDArray[np.float32]
Voxel = tuple[int, int, int]

RADII_MM = np.array([9.0, 10.5, 12.0, 13.5, 15.0, 16.5, 18.0, 19.5, 21.0])
BELOW_CARINA_MM, ABOVE_CARINA_MM = 64.0, 6.0
PENALTY = (0.12, 0.05, 0.05)
FRONT_OF_SPINE_MM, LEFT_OF_SPINE_MM = 62.0, 8.0
FROM_DESCENDING_MM = 30.0
LUNG_CONTACT = 0.45
"""Cost of right lung at the circle's right: there it is the vena cava."""
ARCH_HEIGHT_MM = 75.0
BLOOD_HALF_HU = 42.0
DEEP_MM = 13.0
NOT_BLOOD_COST = 30.0
VERTEBRA_MM = 16.0
COST_PER_MM = 0.06


@dataclass(frozen=True, eq=False)
class Thoracic:
    """`ascending` from below upwards; `arch` (m, 3) voxels of the 2 mm image from its top to the descending aorta's,
    both ends included; `path_cost` per step (1 to 2 through the middle of a vessel, 30 outside blood)."""

    ascending: Track
    arch: Floats
    path_cost: float


def find_thoracic(torso: Torso, spine: Spine, descending: Descending, *, carina_k: int) -> Thoracic:
    """Ascending aorta from 64 mm below the carina and the arch, for a descending aorta tracked from the carina."""
    blood, top = descending.blood, descending.path.voxels[0]
    depth = _BloodDepth(torso, spine, blood, carina_k)
    start = depth.deepest(top)
    reached = depth.costs_from(start)
    low = max(0, carina_k - round(BELOW_CARINA_MM / STEP_MM))
    k = np.arange(low, min(torso.image.grid.shape[2], carina_k + round(ABOVE_CARINA_MM / STEP_MM)))
    line = (spine.i[k] - LEFT_OF_SPINE_MM / STEP_MM, spine.j[k] + FRONT_OF_SPINE_MM / STEP_MM)
    window = follow(torso.image, k, line, left=(-56, 56), front=(-56, 56))
    prior = _prior(window) + _contact(window) + _reach(window, depth, reached, top)
    ascending = track(window, RADII_MM, scores(window, RADII_MM, blood), prior=prior, penalty=PENALTY)
    end = depth.deepest(ascending.voxels[-1])
    path = depth.path_to(end)
    return Thoracic(ascending, path, float(reached[depth.local(end)] / max(1, len(path))))


class _BloodDepth:
    """How deep places above the carina lie in blood, and the cheapest path through the depth."""

    def __init__(self, torso: Torso, spine: Spine, blood: Blood, carina_k: int) -> None:
        from skimage.graph import MCP_Geometric

        shape = torso.image.grid.shape
        i, j = float(spine.i[carina_k]), float(spine.j[carina_k])
        low = np.array([i - 75 / STEP_MM, j - 30 / STEP_MM, carina_k - 10 / STEP_MM])
        high = np.array([i + 75 / STEP_MM, j + 130 / STEP_MM, carina_k + ARCH_HEIGHT_MM / STEP_MM])
        self.low = np.maximum(0, low.astype(int))
        self.high = np.minimum(shape, high.astype(int))
        part = torso.image.data[tuple(slice(a, b) for a, b in zip(self.low, self.high, strict=True))]
        half = BLOOD_HALF_HU if blood.half_hu <= 60.0 else 0.9 * blood.half_hu
        like = np.abs(ndimage.gaussian_filter(part, 0.9) - blood.hu) < half
        like &= ~self._vertebra(i, j)[:, :, None]
        self.depth_mm = ndimage.distance_transform_edt(like) * STEP_MM
        cost = (0.3 + np.minimum(self.depth_mm, DEEP_MM) / DEEP_MM) ** -3.0 + np.where(like, 0.0, NOT_BLOOD_COST)
        self._paths = MCP_Geometric(cost, fully_connected=True)

    def _vertebra(self, i: float, j: float) -> NDArray[np.bool_]:
        across = (np.arange(self.low[0], self.high[0]) - i) * STEP_MM
        along = (np.arange(self.low[1], self.high[1]) - j) * STEP_MM
        return np.asarray(np.hypot(across[:, None], along[None, :]) < VERTEBRA_MM)

    def local(self, voxel: Voxel) -> Voxel:
        i, j, k = (int(at - low) for at, low in zip(voxel, self.low, strict=True))
        return i, j, k

    def deepest(self, voxel: Floats) -> Voxel:
        """The deepest voxel within 6 mm in the same slice."""
        i, j, k = np.clip(np.rint(voxel).astype(int) - self.low, 0, np.array(self.depth_mm.shape) - 1)
        i0, j0 = max(0, i - 3), max(0, j - 3)
        near = self.depth_mm[i0 : i + 4, j0 : j + 4, k]
        di, dj = np.unravel_index(int(near.argmax()), near.shape)
        return int(i0 + di + self.low[0]), int(j0 + dj + self.low[1]), int(k + self.low[2])

    def costs_from(self, voxel: Voxel) -> Floats:
        costs, _ = self._paths.find_costs([self.local(voxel)])
        return np.asarray(costs)

    def path_to(self, voxel: Voxel) -> Floats:
        """From `voxel` back to where the costs count from, (m, 3) voxels of the 2 mm image."""
        path = np.array(self._paths.traceback(self.local(voxel)), dtype=np.float64)
        return np.asarray(path[::-1] + self.low)


def _prior(window: Window) -> Array:
    left, front = window.left_mm[:, None], window.front_mm[None, :]
    place = -0.08 * np.minimum(beyond(left, 0, 14, 10), 6) - 0.05 * (front / 22.0) ** 2
    wide = -0.03 * ((RADII_MM - 16.0) / 3.0) ** 2
    return np.asarray((place[None] + wide[:, None, None])[None], dtype=np.float32)


def _contact(window: Window) -> Array:
    """Cost of lung at the circle's right, or there and 5 mm behind."""
    lung = ndimage.gaussian_filter((window.stack < AIR_HU).astype(np.float32), (1.5, 0.5, 1.5))
    cost = np.empty((len(lung), len(RADII_MM), *lung.shape[1:]), dtype=np.float32)
    for r, radius in enumerate(RADII_MM):
        aside, behind = np.zeros_like(lung), np.zeros_like(lung)
        add_shifted(aside, lung, (radius + 4.0) / STEP_MM, 0.0)
        add_shifted(behind, lung, (radius + 3.0) / STEP_MM, -5.0 / STEP_MM)
        cost[:, r] = -LUNG_CONTACT * np.maximum(aside, behind)
    return cost


def _reach(window: Window, depth: _BloodDepth, reached: Floats, top: Floats) -> Array:
    """Away from the descending aorta everywhere; in the last slice, where blood leads to it most cheaply."""
    i = window.first_i[:, None] + np.arange(len(window.left_mm))
    j = window.first_j[:, None] + np.arange(len(window.front_mm))
    away = np.hypot(i[:, :, None] - top[0], j[:, None, :] - top[1]) * STEP_MM > FROM_DESCENDING_MM
    prior = np.where(away, 0.0, -2.0)
    k = int(window.k[-1] - depth.low[2])
    a, b = i[-1] - depth.low[0], j[-1] - depth.low[1]
    inside = ((a >= 0) & (a < reached.shape[0]))[:, None] & ((b >= 0) & (b < reached.shape[1]))[None, :] & away[-1]
    cost = reached[np.clip(a, 0, reached.shape[0] - 1)[:, None], np.clip(b, 0, reached.shape[1] - 1)[None, :], k]
    cost = np.where(inside, cost, 1e4)
    prior[-1] -= np.minimum(COST_PER_MM * (cost - cost.min()), 8.0)
    return np.asarray(prior[:, None], dtype=np.float32)
