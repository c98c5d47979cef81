"""Where voxels are: a lattice of voxel centres in world space.

World space is RAS+ millimetres (x to the right, y to the front, z to the head) as in NIfTI; DICOM's LPS+ is turned
at the door (`petproc.dicom`). Arrays are indexed `[i, j, k]` = (column, row, slice); k counts slices upwards along the
slice normal. The integer index (i, j, k) is the *centre* of a voxel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """`shape` in voxels and `affine` (4, 4), from voxel index to RAS+ mm."""

    shape: tuple[int, int, int]
    affine: Floats

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise ValueError(f"affine must be a finite, invertible (4, 4) matrix, got {affine!r}")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def spacing(self) -> Floats:
        """Distance between neighbouring voxel centres along i, j, k in mm, shape (3,)."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def voxel_ml(self) -> float:
        return float(abs(np.linalg.det(self.affine[:3, :3])) / 1000.0)

    def to_mm(self, index: ArrayLike) -> Floats:
        """Voxel indices (..., 3), fractions allowed, to RAS+ mm (..., 3)."""
        return _moved(self.affine, index)

    def to_index(self, mm: ArrayLike) -> Floats:
        """RAS+ mm (..., 3) to fractional voxel indices (..., 3)."""
        return _moved(np.asarray(np.linalg.inv(self.affine), dtype=np.float64), mm)

    def matches(self, other: Grid, tolerance_mm: float = 0.01) -> bool:
        """Whether both grids have the same shape and their corners agree within `tolerance_mm`."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        return bool(np.abs(self.to_mm(corners) - other.to_mm(corners)).max() <= tolerance_mm)


def _moved(affine: Floats, points: ArrayLike) -> Floats:
    return np.asarray(np.asarray(points, dtype=np.float64) @ affine[:3, :3].T + affine[:3, 3])
