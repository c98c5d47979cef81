"""Where the body and the lungs are on a CT: one answer for every stage that asks.

Body is the largest piece of what is denser than fat's lower edge, with everything that it surrounds within an axial
slice, so that lungs and gas belong to it and open air does not. Lung is air inside the body, in pieces too large for an
airway and too dense for gas. Thresholds are ours. Images of 2 to 5 mm are meant: in finer ones noise opens holes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.grid import Grid

AIR_HU = -400.0
BODY_HU = -300.0
LUNG_ML = 150.0
LUNG_MEDIAN_HU = -960.0
"""Gas in stomach and bowel is below; lung, emphysema included, is above."""

Mask = NDArray[np.bool_]


def body_of(hu: NDArray[Any], grid: Grid) -> Mask:
    """The body in `hu` (I, J, K) on `grid`, whatever its axes; empty where there is none."""
    body = ndimage.binary_opening(hu > BODY_HU)
    parts, count = ndimage.label(body)
    if count > 1:
        body = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    slices = np.moveaxis(body, axial(grid), 0)
    for plane in slices:
        plane[...] = ndimage.binary_fill_holes(plane)
    return np.asarray(body)


def lungs_of(hu: NDArray[Any], body: Mask, grid: Grid) -> Mask:
    """Lung inside `body`, larger airways that open into it included; empty where there is none."""
    air = (hu < AIR_HU) & body
    parts, count = ndimage.label(ndimage.binary_opening(air))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    large = [part for part in range(1, count + 1) if sizes[part] * grid.voxel_ml > LUNG_ML]
    lungs = [part for part in large if np.median(hu[parts == part]) > LUNG_MEDIAN_HU]
    return np.asarray(np.isin(parts, lungs))


def axial(grid: Grid) -> int:
    """The array axis that runs along the body, from foot to head or back."""
    return int(np.argmax(np.abs(grid.affine[2, :3]) / grid.spacing))
