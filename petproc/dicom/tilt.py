"""A CT whose slices are stacked askew (a tilted gantry), resampled onto a right-angled axial grid.

The delivered lattice is sheared: its slices are parallel, but the line through their corners is not their normal. Every
voxel of the right-angled grid takes the linear interpolation of the eight delivered voxels around it; what the slices
do not show is air. No place on the body moves: only the lattice changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.dicom.rescale import AIR_HU

GROWTH_MAX, VOXELS_MAX = 4.0, 1 << 26
"""A right-angled grid larger than either (times the delivered voxels, voxels) is of wrong positions, not of a tilt."""
EDGE = 1e-6
"""Voxels; a place this far outside the delivered slices lies on their edge, but for rounding."""


def straightened(ct: Volume, *, threads: int) -> tuple[Volume, Finding]:
    """The CT on the grid of `straight_grid`, and what was done in words."""
    from scipy.ndimage import map_coordinates

    grid = straight_grid(ct.grid)
    back = (np.linalg.inv(ct.grid.affine) @ grid.affine)[:3]
    data = np.empty(grid.shape, np.int16, order="F")
    i, j = np.mgrid[0 : grid.shape[0], 0 : grid.shape[1]].astype(np.float64)
    last = np.array(ct.grid.shape, dtype=np.float64) - 1

    def fill(k: int) -> None:
        places = [_inside(to[0] * i + to[1] * j + (to[2] * k + to[3]), end) for to, end in zip(back, last, strict=True)]
        values = map_coordinates(ct.data, places, output=np.float64, order=1, mode="constant", cval=AIR_HU)
        data[:, :, k] = np.rint(values)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        for _ in pool.map(fill, range(grid.shape[2])):
            pass
    angle, shift = lean(ct.grid)
    words = (
        f"The slices are not stacked along their normal but {angle:.1f} degrees off it (a tilted gantry, up to "
        f"{shift:.0f} mm to the side); the CT was resampled by linear interpolation onto a right-angled grid of "
        f"{' x '.join(map(str, grid.shape))} voxels. Its slices are no longer those of the files."
    )
    return Volume(data, grid, "HU"), Finding("gantry-tilt-corrected", words)


def lean(grid: Grid) -> tuple[float, float]:
    """The angle between the stack and the slice normal in degrees, and how far the last slice lies beside it in mm."""
    along_i, along_j, step = _axes(grid)
    normal = np.cross(along_i, along_j)
    beside = step - (step @ normal) * normal
    angle = np.degrees(np.arctan2(np.linalg.norm(beside), abs(step @ normal)))
    return float(angle), float(np.linalg.norm(beside) * (grid.shape[2] - 1))


def straight_grid(grid: Grid) -> Grid:
    """A right-angled grid of the same spacing that holds all voxel centres of a sheared one.

    Its k axis is the slice normal or the line along which the slices are stacked, whichever is nearer to the axis of
    the body: with a tilted gantry the table moves along the body, and the slices lean.
    """
    along_i, along_j, step = _axes(grid)
    normal = np.cross(along_i, along_j)
    normal *= np.sign(normal @ step)
    stacked = step / np.linalg.norm(step)
    axis = normal if abs(normal[2]) >= abs(stacked[2]) else stacked
    first = along_i - (along_i @ axis) * axis
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    second *= np.sign(second @ along_j)
    axes = np.column_stack([first, second, axis])
    spacing = np.array([*grid.spacing[:2], step @ axis])
    corners = np.array(list(_corners(grid))) @ axes / spacing
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = np.ceil(high - low - EDGE) + 1
    if size.prod() > max(VOXELS_MAX, GROWTH_MAX * np.prod(grid.shape)):
        angle, shift = lean(grid)
        raise Refusal(
            "gantry-tilt",
            f"The slices are stacked {angle:.0f} degrees off their normal, up to {shift:.0f} mm to the side: that is "
            "no tilt of a gantry.",
            "Ask the site for a reconstruction without tilt.",
        )
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = axes @ (low * spacing)
    return Grid((int(size[0]), int(size[1]), int(size[2])), affine + 0.0)


def _axes(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors along i and j, and the whole step along k."""
    columns = grid.affine[:3, :3].T
    return columns[0] / grid.spacing[0], columns[1] / grid.spacing[1], columns[2]


def _corners(grid: Grid) -> Iterator[NDArray[np.float64]]:
    for corner in np.ndindex(2, 2, 2):
        yield grid.to_mm(np.array(corner) * (np.array(grid.shape) - 1))


def _inside(place: NDArray[np.float64], last: float) -> NDArray[np.float64]:
    """Coordinates of one axis, those that rounding put outside brought back to the edge."""
    nearest = np.clip(place, 0.0, last)
    return np.where(np.abs(place - nearest) < EDGE, nearest, place)
