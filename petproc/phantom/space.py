"""Where the phantom's voxels are in its own body.

Body space: unit-sized adult, mm, x to the right, y to the front, z to the head, origin on the midline at the height of
the carina. A `Pose` scales the body to its height, rolls it about its long axis and moves it on the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petproc.core.grid import Grid

Floats = NDArray[np.float64]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class PhantomGrid:
    """Size of the delivered images: voxels along i, j, k, their edges in mm, and where the stack ends.

    `top_mm` is the height of the uppermost CT slice above the carina; `fine_mm` the edge of the voxels on which
    anatomy and activity are drawn.
    """

    ct_shape: tuple[int, int, int]
    ct_mm: tuple[float, float, float]
    pet_shape: tuple[int, int, int]
    pet_mm: tuple[float, float, float]
    top_mm: float
    fine_mm: float = 2.0

    def ct_grid(self) -> Grid:
        return _grid(self.ct_shape, self.ct_mm, self.top_mm)

    def pet_grid(self) -> Grid:
        """The PET's planes lie between those of the CT, as on a scanner whose two gantries share no origin."""
        return _grid(self.pet_shape, self.pet_mm, self.top_mm + 1.0)


DEMO = PhantomGrid((256, 256, 200), (500 / 256, 500 / 256, 3.0), (128, 128, 200), (4.0, 4.0, 3.0), 180.0)
"""Neck to below the aortic bifurcation, 600 mm."""
CHEST = PhantomGrid((128, 128, 48), (3.6, 3.6, 4.0), (112, 112, 60), (4.0, 4.0, 3.0), 80.0, 2.5)
"""Small and fast, for tests: ascending aorta, arch, a piece of the descending aorta, SVC."""


def _grid(shape: tuple[int, int, int], spacing: tuple[float, float, float], top_mm: float) -> Grid:
    """Head first, supine: i runs to the left, j to the back, k to the head; centred in x and y."""
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    affine[0, 3] = spacing[0] * (shape[0] - 1) / 2
    affine[1, 3] = spacing[1] * (shape[1] - 1) / 2
    affine[2, 3] = top_mm - spacing[2] * (shape[2] - 1)
    return Grid(shape, affine)


@dataclass(frozen=True)
class Pose:
    """world = scale * R_z(roll) body + translation (RAS+ mm)."""

    scale: float
    roll_deg: float
    translation_mm: tuple[float, float, float]

    @property
    def _rotation(self) -> Floats:
        angle = np.deg2rad(self.roll_deg)
        cosine, sine = np.cos(angle), np.sin(angle)
        return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])

    def to_world(self, body: ArrayLike) -> Floats:
        return np.asarray(self.scale * np.asarray(body) @ self._rotation.T + self.translation_mm)

    def to_body(self, world: ArrayLike) -> Floats:
        return np.asarray((np.asarray(world) - self.translation_mm) @ self._rotation / self.scale)


class Lattice:
    """Voxel centres of an axis-parallel grid in body space.

    As the body rolls only about its long axis, x and y depend on (i, j) and z on k alone: `x`, `y` (I, J, 1) and
    `z` (1, 1, K), float32, broadcast against each other.
    """

    def __init__(self, grid: Grid, pose: Pose) -> None:
        if np.abs(grid.affine[:3, :3] - np.diag(np.diag(grid.affine)[:3])).max() > 0:
            raise ValueError("the phantom is drawn on grids parallel to the axes")
        self.grid, self.pose = grid, pose
        ni, nj, nk = grid.shape
        index = np.zeros((ni, nj, 3))
        index[..., 0], index[..., 1] = np.mgrid[:ni, :nj]
        flat = pose.to_body(grid.to_mm(index))
        column = np.zeros((nk, 3))
        column[:, 2] = np.arange(nk)
        self.x = flat[..., 0:1].astype(np.float32)
        self.y = flat[..., 1:2].astype(np.float32)
        self.z = pose.to_body(grid.to_mm(column))[None, None, :, 2].astype(np.float32)

    def box(self, low: ArrayLike, high: ArrayLike) -> Box:
        """Slices of the voxels that a box of body space, from corner `low` to `high`, can hold (may be empty)."""
        low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
        corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
        index = self.grid.to_index(self.pose.to_world(corners))
        first = np.clip(np.floor(index.min(axis=0)).astype(int), 0, self.grid.shape)
        last = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, 0, self.grid.shape)
        return (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2]))

    def spans(self, centres: Floats, reach: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and one past the last voxel (N, 3) within `reach` (N,) of `centres` (N, 3) along each axis."""
        index = self.grid.to_index(self.pose.to_world(centres))
        half = (reach * self.pose.scale)[:, None] / self.grid.spacing
        first = np.clip(np.floor(index - half).astype(int), 0, self.grid.shape)
        last = np.clip(np.ceil(index + half).astype(int) + 1, 0, self.grid.shape)
        return first, last

    def xyz(self, box: Box) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Body coordinates of a box, to be broadcast."""
        i, j, k = box
        return self.x[i, j], self.y[i, j], self.z[:, :, k]

    def points(self, index: NDArray[np.int64]) -> Floats:
        """Body coordinates (N, 3) of voxels (N, 3)."""
        i, j, k = index.T
        return np.stack([self.x[i, j, 0], self.y[i, j, 0], self.z[0, 0, k]], axis=1).astype(np.float64)
