"""CT and PET held against each other at one smoothing, and the motion that makes them fit.

The PET is predicted from the CT: the mean uptake of voxels of like HU, layer by layer under the skin, whatever it is
(after Roche 1998, doi:10.1007/BFb0056301). The motion that makes the prediction fit best is found by Gauss-Newton steps
on the gradient of the prediction; voxels that no motion explains (bladder, heart, tumours) lose their weight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.align.anatomy import STEP_MM, Anatomy, Mask, points_of, smooth
from petproc.align.motion import Motion
from petproc.core.grid import Floats, Grid

PSF_MM = 6.0 / 2.3548
"""typical resolution of the PET as a standard deviation; the CT is brought to it"""
STEPS = 25
STILL_MM = 0.01
REST_MM = 1.0
"""a motion that still swings further than this has not come to rest"""
BINS = 12
BIN_HU = 20.0
"""half the step over which the prediction's slope is taken"""
TUKEY = 4.685


@dataclass(frozen=True, eq=False)
class Level:
    """Both images at one smoothing: HU (n,), its gradient per mm (n, 3) and the layer under the skin (n,) at the
    places (n, 3) that are compared, and the root of the PET's uptake: even noise, and no organ outshines the outline.
    """

    places: Floats
    hu: Floats
    slope: Floats
    layer: NDArray[np.intp]
    pet: NDArray[np.float32]
    pet_grid: Grid

    @classmethod
    def of(cls, anatomy: Anatomy, uptake: NDArray[np.float32], pet_grid: Grid, sigma_mm: float) -> Level:
        image = smooth(anatomy.hu, anatomy.grid, float(np.hypot(sigma_mm, PSF_MM)))
        i, j, k = np.nonzero(anatomy.used)
        slope = np.stack([np.gradient(image, STEP_MM, axis=axis)[i, j, k] for axis in range(3)], axis=1)
        return cls(
            points_of(anatomy.used, anatomy.grid),
            image[i, j, k].astype(np.float64),
            slope.astype(np.float64),
            anatomy.layer[i, j, k],
            np.sqrt(np.maximum(smooth(uptake, pet_grid, sigma_mm), 0.0)),
            pet_grid,
        )

    def compared(self, motion: Motion) -> tuple[Floats, Floats, Floats]:
        """Weight (n,), PET minus its prediction (n,), and the gradient of the prediction per mm (n, 3)."""
        seen, within = sampled(self.pet, self.pet_grid, motion(self.places))
        residual, rise = np.zeros_like(seen), np.zeros_like(seen)
        for layer in np.unique(self.layer[within]):
            own = self.layer == layer
            hu, mean = _mean_by_hu(self.hu[own & within], seen[own & within])
            residual[own] = seen[own] - np.interp(self.hu[own], hu, mean)
            up, down = (np.interp(self.hu[own] + step, hu, mean) for step in (BIN_HU, -BIN_HU))
            rise[own] = (up - down) / (2 * BIN_HU)
        scale = 1.4826 * float(np.median(np.abs(residual[within]))) + 1e-9
        weight = np.clip(1.0 - (residual / (TUKEY * scale)) ** 2, 0.0, None) ** 2 * within
        return weight, residual, self.slope * rise[:, None]

    def equations(self, motion: Motion) -> tuple[Floats, Floats]:
        """Every place's row of the normal equations, for a small step (translation, rotation vector) of the CT:
        J (n, 6) times the root of the weight, and likewise the residual (n,)."""
        weight, residual, slope = self.compared(motion)
        arm = self.places - motion.centre
        rows = np.hstack([slope, np.cross(arm, slope)])
        root = np.sqrt(weight)
        return rows * root[:, None], residual * root

    def part(self, own: Mask) -> Level:
        """The same images at some of the places (n,) alone, which are then predicted by themselves."""
        return replace(self, places=self.places[own], hu=self.hu[own], slope=self.slope[own], layer=self.layer[own])


def fitted(level: Level, motion: Motion, *, turning: bool = True) -> tuple[Motion, bool]:
    """The motion after Gauss-Newton steps, and whether it came to rest; `turning` says whether it may turn.

    Steps that go back and forth, as classes of HU win and lose a voxel, are halved each time.
    """
    reach = float(np.linalg.norm(level.places - motion.centre, axis=1).max())
    free = 6 if turning else 3
    step, share = np.zeros(6), 1.0
    for _ in range(STEPS):
        rows, residual = level.equations(motion)
        before, step = step, np.zeros(6)
        step[:free] = solved(rows[:, :free].T @ rows[:, :free], rows[:, :free].T @ residual)
        if step[:3] @ before[:3] < 0:
            share /= 2
        motion = motion.after_undoing(share * step)
        length = float(np.linalg.norm(step[:3]) + reach * np.linalg.norm(step[3:]))
        if share * length < STILL_MM:
            return motion, length < REST_MM
    return motion, False


def solved(matrix: Floats, vector: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(matrix, vector, rcond=1e-12)[0])


def sampled(image: NDArray[np.float32], grid: Grid, places: Floats) -> tuple[Floats, Mask]:
    """Linearly interpolated values at `places` (n, 3), and whether they lie within the image."""
    index = grid.to_index(places).T
    within = ((index >= 0) & (index <= np.array(grid.shape)[:, None] - 1)).all(axis=0)
    values = ndimage.map_coordinates(image, index, order=1, mode="nearest")
    return np.asarray(values, dtype=np.float64), np.asarray(within)


def _mean_by_hu(hu: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Mean HU, ascending, and mean uptake of `BINS` equally full classes of HU."""
    edges = np.quantile(hu, np.linspace(0.0, 1.0, BINS + 1))
    bins = np.clip(np.searchsorted(edges, hu, side="right") - 1, 0, BINS - 1)
    full = np.flatnonzero(np.bincount(bins, minlength=BINS))
    count = np.bincount(bins, minlength=BINS)[full]
    return np.bincount(bins, hu, BINS)[full] / count, np.bincount(bins, seen, BINS)[full] / count
