"""The CT as every segmentation looks at it first: 2 mm cubes with known axes, and where the body and the lungs are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from petproc.core.body import body_of, lungs_of
from petproc.core.chunked import map_rows
from petproc.core.grid import Grid
from petproc.core.volume import Volume

STEP_MM = 2.0
COARSE = 2
"""Body and lungs are found on every second voxel of the 2 mm image."""
HU_RANGE = (-1024.0, 3071.0)
SLICES = 16
"""That one thread resamples at a time."""
BESIDE_MM = 45.0
BESIDE_SHARE = 0.02

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Torso:
    """`image`: HU (float32) in 2 mm cubes, axes i to the patient's right, j to the front, k to the head (along the
    CT's own axes, so that a tilted CT stays tilted). `coarse` is the grid of `body` and `lungs` (4 mm).
    """

    image: Volume
    coarse: Grid
    body: Mask
    lungs: Mask

    def lung_beside(self, points_mm: ArrayLike) -> Mask:
        """Whether lung is within 45 mm of each point (n, 3), RAS+ mm, in the same axial plane; shape (n,)."""
        reach = round(BESIDE_MM / (COARSE * STEP_MM))
        offset = np.arange(-reach, reach + 1)
        disc = np.stack(np.meshgrid(offset, offset, [0], indexing="ij"), axis=-1).reshape(-1, 3)
        disc = disc[(disc**2).sum(axis=1) <= reach**2]
        index = np.rint(self.coarse.to_index(points_mm)).astype(int)[:, None] + disc
        inside = ((index >= 0) & (index < self.coarse.shape)).all(axis=2)
        index = np.clip(index, 0, np.array(self.coarse.shape) - 1)
        lung = self.lungs[tuple(np.moveaxis(index, 2, 0))] & inside
        return np.asarray(lung.mean(axis=1) > BESIDE_SHARE)


def find_torso(ct: Volume, *, threads: int = 1) -> Torso:
    """Body and lungs of a CT in any orientation; masks are empty where there are none. The same for any `threads`."""
    image = cubes(ct, threads=threads)
    affine = image.grid.affine.copy()
    affine[:3, :3] *= COARSE
    data = image.data[::COARSE, ::COARSE, ::COARSE]
    coarse = Grid(data.shape, affine)
    body = body_of(data, coarse)
    return Torso(image, coarse, body, lungs_of(data, body, coarse))


def cubes(ct: Volume, *, threads: int = 1) -> Volume:
    """`ct` in 2 mm cubes, axes turned to right, front, head; triangle weights, so that finer voxels are averaged.

    The same to the bit for any number of `threads`.
    """
    turned, affine = _turned(ct)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    ni, nj, nk = (max(1, int(n * step / STEP_MM)) for n, step in zip(turned.shape, spacing, strict=True))
    shape = (ni, nj, nk)
    along_i, along_j, along_k = (
        _weights(n, out, step) for n, out, step in zip(turned.shape, shape, spacing, strict=True)
    )

    def resampled(slices: NDArray[np.generic]) -> NDArray[np.float32]:
        planes = np.empty((len(slices), ni * nj), dtype=np.float32)
        for plane, pixels in zip(planes, slices, strict=True):
            hu = np.array(pixels, dtype=np.float32, order="C")
            np.clip(hu, *HU_RANGE, out=hu)
            plane[:] = (along_j @ (along_i @ hu).T).T.ravel()
        return planes

    planes = map_rows(resampled, np.moveaxis(turned, 2, 0), rows=SLICES, threads=threads)
    data = np.ascontiguousarray((along_k @ planes).reshape(nk, ni, nj).transpose(1, 2, 0))
    scale = np.diag(STEP_MM / spacing)
    fine = np.eye(4)
    fine[:3, :3] = affine[:3, :3] @ scale
    fine[:3, 3] = affine[:3, 3] + affine[:3, :3] @ ((np.diag(scale) - 1.0) / 2.0)
    return Volume(data, Grid(shape, fine), ct.unit)


def _turned(ct: Volume) -> tuple[NDArray[np.generic], Floats]:
    """A view of the data with axes to right, front and head, and its affine."""
    directions = ct.grid.affine[:3, :3] / ct.grid.spacing
    order = _axis_order(np.abs(directions))
    data = ct.data.transpose(order)
    affine = np.eye(4)
    affine[:3, :3] = ct.grid.affine[:3, order]
    affine[:3, 3] = ct.grid.affine[:3, 3]
    for axis in range(3):
        if affine[axis, axis] < 0:
            affine[:3, 3] += affine[:3, axis] * (data.shape[axis] - 1)
            affine[:3, axis] *= -1
            data = np.flip(data, axis)
    return data, affine


def _axis_order(alignment: Floats) -> list[int]:
    """For each world axis the array axis that runs along it: the assignment of largest total alignment."""
    from itertools import permutations

    return list(max(permutations(range(3)), key=lambda order: sum(alignment[w, a] for w, a in enumerate(order))))


def _weights(n: int, out: int, step: float) -> sparse.csr_matrix:
    """(out, n) triangle weights of half-width max(step, 2 mm), whose rows sum to one; both grids share their edge."""
    centre = ((np.arange(out) + 0.5) * STEP_MM / step) - 0.5
    half = max(1.0, STEP_MM / step)
    first = np.floor(centre - half).astype(int)
    column = first[:, None] + np.arange(int(np.ceil(2 * half)) + 2)
    weight = np.clip(1.0 - np.abs(column - centre[:, None]) / half, 0.0, None)
    weight /= weight.sum(axis=1, keepdims=True)
    row = np.broadcast_to(np.arange(out)[:, None], column.shape)
    entries = (weight.ravel().astype(np.float32), (row.ravel(), np.clip(column, 0, n - 1).ravel()))
    return sparse.csr_matrix(entries, shape=(out, n))
