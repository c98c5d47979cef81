"""Bringing a label map of another program into the CT's own order of voxels, exactly or not at all.

Programs store the same voxels with axes swapped or running backwards. That is undone without touching a value.
Anything else (other voxels, a shift, a resampled map) would need an interpolation of somebody's masks: refused.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.volume import Labels

TOLERANCE_MM = 0.05
"""by which corners of the same lattice may differ: headers hold rounded numbers"""


def onto_grid(labels: Labels, grid: Grid, *, scan: str) -> NDArray[np.uint8]:
    """The values of `labels` in the order of `grid`; refused as `labels-off-grid` unless both are one lattice."""
    order, signs = _turn(labels.grid, grid)
    if sorted(order) != [0, 1, 2]:
        raise _off_grid("its axes lie aslant to those of the CT", scan)
    data = labels.data.transpose(order)
    affine = np.eye(4)
    affine[:3, :3] = labels.grid.affine[:3, order]
    affine[:3, 3] = labels.grid.affine[:3, 3]
    for axis in [axis for axis in range(3) if signs[axis] < 0]:
        affine[:3, 3] += affine[:3, axis] * (data.shape[axis] - 1)
        affine[:3, axis] *= -1
        data = np.flip(data, axis)
    turned = Grid(data.shape, affine)
    if not turned.matches(grid, TOLERANCE_MM):
        raise _off_grid(_difference(turned, grid), scan)
    return np.asarray(data)


def _turn(own: Grid, other: Grid) -> tuple[list[int], NDArray[np.float64]]:
    """For each axis of `other` the axis of `own` that runs along it, and its sign."""
    along = np.linalg.inv(other.affine[:3, :3] / other.spacing) @ (own.affine[:3, :3] / own.spacing)
    order = np.abs(along).argmax(axis=1)
    return [int(axis) for axis in order], np.sign(along[np.arange(3), order])


def _difference(turned: Grid, grid: Grid) -> str:
    if turned.shape != grid.shape:
        return f"it has {_by(turned.shape)} voxels and the CT {_by(grid.shape)}"
    if np.abs(turned.spacing - grid.spacing).max() * max(grid.shape) > TOLERANCE_MM:
        return f"its voxels measure {_by(turned.spacing)} mm and those of the CT {_by(grid.spacing)} mm"
    shift = np.linalg.norm(turned.to_mm((0, 0, 0)) - grid.to_mm((0, 0, 0)))
    return f"its first voxel lies {shift:.2f} mm from that of the CT, or its axes are turned against it"


def _by(numbers: object) -> str:
    return " x ".join(f"{number:.4g}" for number in np.asarray(numbers).tolist())


def _off_grid(difference: str, scan: str) -> Refusal:
    return Refusal(
        "labels-off-grid",
        f"The label map is not on the voxels of the CT: {difference}.",
        "Draw or export the labels on this very CT, or resample them to it with nearest neighbour and look at them.",
        scan,
    )
