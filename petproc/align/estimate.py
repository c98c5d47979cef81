"""Rigid offset between PET and CT by the correlation ratio.

The PET is predicted from the CT: the mean uptake of voxels of like HU, layer by layer under the skin, whatever it is
(after Roche 1998, doi:10.1007/BFb0056301). The motion that makes the prediction fit best is found by Gauss-Newton steps
on the gradient of the prediction, from coarse to fine; voxels that no motion explains (bladder, heart, tumours) lose
their weight. Nothing is drawn at random and nothing runs in parallel, so the same images give the same bytes.

The uncertainty is that of the jackknife over the parts of the body that were acquired one after the other (beds), each
in a left and a right half: it grows when they disagree, be it for noise, for breathing or for a turned head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.align.anatomy import STEP_MM, Anatomy, Mask, anatomy_of, points_of, smooth
from petproc.align.motion import Motion
from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Floats, Grid
from petproc.core.results import Alignment, Point
from petproc.core.volume import Volume
from petproc.settings import AlignSettings

PSF_MM = 6.0 / 2.3548
"""typical resolution of the PET as a standard deviation; the CT is brought to it"""
LEVELS_MM = (10.0, 3.0)
"""standard deviation of the smoothing of both images, from coarse to fine"""
STEPS = 25
STILL_MM = 0.01
BINS = 12
BIN_HU = 20.0
"""half the step over which the prediction's slope is taken"""
HOT = 6.0
"""times the body's median: more uptake is not more anatomy"""
TUKEY = 4.685
SHARE_MIN = 0.3
"""of the CT's body that the PET must hold"""
SLABS = 6


@dataclass(frozen=True, eq=False)
class _Level:
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
    def of(cls, anatomy: Anatomy, uptake: NDArray[np.float32], pet_grid: Grid, sigma_mm: float) -> _Level:
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
        seen, within = _sampled(self.pet, self.pet_grid, motion(self.places))
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


def _mean_by_hu(hu: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Mean HU, ascending, and mean uptake of `BINS` equally full classes of HU."""
    edges = np.quantile(hu, np.linspace(0.0, 1.0, BINS + 1))
    bins = np.clip(np.searchsorted(edges, hu, side="right") - 1, 0, BINS - 1)
    full = np.flatnonzero(np.bincount(bins, minlength=BINS))
    count = np.bincount(bins, minlength=BINS)[full]
    return np.bincount(bins, hu, BINS)[full] / count, np.bincount(bins, seen, BINS)[full] / count


def estimate_alignment(
    pet: Volume, ct: Volume, *, settings: AlignSettings, acquisition: PetAcquisition | None, scan: str
) -> Alignment:
    """Motion from CT to PET. Refused as `pet-ct-apart` where the PET does not hold the body that the CT shows.

    `acquisition` tells which slices were acquired together; without it the body is cut into `SLABS` of equal height.
    """
    anatomy = anatomy_of(ct)
    body = points_of(anatomy.body, anatomy.grid)
    uptake = _uptake(pet, body, scan)
    motion = Motion.none(body.mean(axis=0))
    settled = False
    for sigma in LEVELS_MM:
        level = _Level.of(anatomy, uptake, pet.grid, sigma)
        motion, settled = _fitted(level, motion)
    parts = _parts(level.places, motion, pet.grid, acquisition)
    uncertainty = _jackknife(level, motion, parts)
    certain = settled and uncertainty <= settings.warn_mm
    return Alignment(
        translation_mm=_rounded(motion.translation, 3),
        rotation_deg=_rounded(motion.angles_deg(), 4),
        centre_mm=_rounded(motion.centre, 3),
        uncertainty_mm=round(uncertainty, 3),
        applied=settings.apply and certain,
        findings=tuple(_findings(motion, level.places, parts, uncertainty, certain, settings)),
    )


def _uptake(pet: Volume, body: Floats, scan: str) -> NDArray[np.float32]:
    """Activity over its median in the body."""
    activity, within = _sampled(pet.data.astype(np.float32, copy=False), pet.grid, body)
    usual = float(np.median(activity[within])) if within.mean() >= SHARE_MIN else 0.0
    if usual <= 0.0:
        raise Refusal(
            "pet-ct-apart",
            f"The PET covers {100 * within.mean():.0f} % of the body on the CT and shows no body there."
            if within.mean() >= SHARE_MIN
            else f"The PET covers only {100 * within.mean():.0f} % of the body on the CT.",
            "Check that this CT belongs to this PET, or exclude the scan with a reason.",
            scan,
        )
    return np.asarray(np.clip(pet.data / usual, 0.0, HOT), dtype=np.float32)


def _sampled(image: NDArray[np.float32], grid: Grid, places: Floats) -> tuple[Floats, Mask]:
    """Linearly interpolated values at `places` (n, 3), and whether they lie within the image."""
    index = grid.to_index(places).T
    within = ((index >= 0) & (index <= np.array(grid.shape)[:, None] - 1)).all(axis=0)
    values = ndimage.map_coordinates(image, index, order=1, mode="nearest")
    return np.asarray(values, dtype=np.float64), np.asarray(within)


def _fitted(level: _Level, motion: Motion) -> tuple[Motion, bool]:
    """The motion after Gauss-Newton steps, and whether it came to rest."""
    reach = float(np.linalg.norm(level.places - motion.centre, axis=1).max())
    for _ in range(STEPS):
        rows, residual = level.equations(motion)
        step = _solved(rows.T @ rows, rows.T @ residual)
        motion = motion.after_undoing(step)
        if np.linalg.norm(step[:3]) + reach * np.linalg.norm(step[3:]) < STILL_MM:
            return motion, True
    return motion, False


def _solved(matrix: Floats, vector: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(matrix, vector, rcond=1e-12)[0])


def _parts(places: Floats, motion: Motion, pet: Grid, acquisition: PetAcquisition | None) -> NDArray[np.intp]:
    """Number of the part of the body to which each place belongs: its bed, and left or right."""
    plane = np.rint(pet.to_index(motion(places))[:, 2]).astype(int)
    if acquisition is not None and len(set(acquisition.slice_acquisition_time)) > 1:
        times = sorted(set(acquisition.slice_acquisition_time))
        bed_of_slice = np.array([times.index(time) for time in acquisition.slice_acquisition_time])
        bed = bed_of_slice[np.clip(plane, 0, pet.shape[2] - 1)]
    else:
        low, high = places[:, 2].min(), places[:, 2].max()
        bed = np.minimum((places[:, 2] - low) / (high - low + 1e-9) * SLABS, SLABS - 1).astype(int)
    return np.asarray(2 * bed + (places[:, 0] > motion.centre[0]))


def _jackknife(level: _Level, motion: Motion, parts: NDArray[np.intp]) -> float:
    """Standard error (mm) of the translation, from the estimates that lack one part each."""
    rows, residual = level.equations(motion)
    matrices, vectors = [], []
    for part in np.unique(parts):
        own = parts == part
        matrices.append(rows[own].T @ rows[own])
        vectors.append(rows[own].T @ residual[own])
    matrix, vector = np.sum(matrices, axis=0), np.sum(vectors, axis=0)
    without = [_solved(matrix - m, vector - v)[:3] for m, v in zip(matrices, vectors, strict=True)]
    spread = np.var(without, axis=0) * (len(without) - 1)
    return float(np.sqrt(spread.sum()))


def _findings(
    motion: Motion, places: Floats, parts: NDArray[np.intp], uncertainty: float, certain: bool, settings: AlignSettings
) -> list[Finding]:
    findings = []
    moved = motion(places) - places
    farthest = max(float(np.linalg.norm(moved[parts // 2 == bed].mean(axis=0))) for bed in np.unique(parts // 2))
    if farthest > settings.warn_mm:
        x, y, z = motion.translation
        turned = float(np.linalg.norm(motion.angles_deg()))
        findings.append(
            Finding(
                "pet-ct-offset",
                f"The PET lies {abs(x):.1f} mm to the {'right' if x > 0 else 'left'}, {abs(y):.1f} mm to the "
                f"{'front' if y > 0 else 'back'} and {abs(z):.1f} mm {'up' if z > 0 else 'down'} from the CT, turned "
                f"by {turned:.1f} degrees (uncertainty {uncertainty:.1f} mm); at worst {farthest:.1f} mm apart. "
                "Look at the overlays.",
            )
        )
    if not certain:
        findings.append(
            Finding(
                "pet-ct-offset-uncertain",
                f"The offset between PET and CT is known to {uncertainty:.1f} mm only, since parts of the body "
                f"disagree{' and the motion is not applied' if settings.apply else ''}. Look at the overlays.",
            )
        )
    return findings


def _rounded(values: Floats, digits: int) -> Point:
    x, y, z = (round(float(value), digits) + 0.0 for value in values)
    return x, y, z
