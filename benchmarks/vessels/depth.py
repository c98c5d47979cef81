"""`depth_p50` of `sample` on cylinders and cones whose depth is known everywhere, at CT spacings of PET/CT scanners.

The CT label is the exact tube seen at voxel centres; the truth of a PET voxel is the median of the exact depth over
8 x 8 x 8 points in it. Every voxel within 12 mm of the wall counts, inside and out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from petproc.core.grid import Grid
from petproc.core.tables import Station
from petproc.sample.place import axes_of, stretches_of
from petproc.sample.rows import rows_of
from petproc.sample.wall import fit_tube
from vessels.part import Options, Part, Table, at_most, each

SPACINGS_MM = ((0.7, 0.7, 1.0), (0.98, 0.98, 2.0), (0.98, 0.98, 3.27), (1.17, 1.17, 5.0), (1.4, 1.4, 5.0))
TILTS_DEG = (0.0, 15.0, 35.0, 60.0)
RADII_MM = (4.0, 8.0, 12.0, 16.0)
SLOPES = (0.0, 0.05)
"""A cylinder, and a cone that widens by 1 mm in radius over 20 mm."""
SHIFTS = ((0.31, -0.17, 0.23), (-0.42, 0.29, 0.4), (0.11, 0.45, -0.35))
"""Of the CT's voxels against the tube, in voxels; taken in turn."""
PET_MM = (4.0, 4.0, 3.0)
LENGTH_MM, STATION_MM, REACH_MM = 44.0, 2.0, 12.0
PARTS = 8
BIAS_MM, RMS_MM = 0.1, 0.3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cone:
    """Around the axis from (3, -5, 2) mm in a direction `tilt_deg` from z; `radius` + `slope` s at s mm along it."""

    tilt_deg: float
    radius: float
    slope: float

    @property
    def start(self) -> Floats:
        return np.array([3.0, -5.0, 2.0])

    @property
    def direction(self) -> Floats:
        polar, turn = np.radians(self.tilt_deg), np.radians(35.0)
        return np.array([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)])

    def depth(self, mm: Floats) -> Floats:
        """Exact depth (...,) of places (..., 3) under the side, which goes on beyond the ends."""
        along = (mm - self.start) @ self.direction
        across = np.linalg.norm(mm - self.start - along[..., None] * self.direction, axis=-1)
        return np.asarray((self.radius + self.slope * along - across) / np.hypot(1.0, self.slope))

    def inside(self, mm: Floats) -> NDArray[np.bool_]:
        along = (mm - self.start) @ self.direction
        return np.asarray((self.depth(mm) >= 0) & (along >= 0) & (along <= LENGTH_MM))

    def stations(self) -> list[Station]:
        x, y, z = (float(part) for part in self.direction)
        places = [self.start + arc * self.direction for arc in np.arange(0.0, LENGTH_MM + 1e-6, STATION_MM)]
        return [
            Station("aorta", n, "descending_aorta", n * STATION_MM, *map(float, place), x, y, z, self.radius, 0.9, 0.9)
            for n, place in enumerate(places)
        ]

    def grid(self, spacing: tuple[float, float, float], *, margin: float, shift: tuple[float, float, float]) -> Grid:
        ends = np.array([self.start, self.start + LENGTH_MM * self.direction])
        reach = self.radius + self.slope * LENGTH_MM + margin
        low, high = ends.min(axis=0) - reach, ends.max(axis=0) + reach
        ni, nj, nk = (int(n) + 1 for n in np.ceil((high - low) / spacing))
        affine = np.diag([*spacing, 1.0])
        affine[:3, 3] = low + np.multiply(shift, spacing)
        return Grid((ni, nj, nk), affine)


@dataclass(frozen=True)
class Case:
    spacing_mm: tuple[float, float, float]
    cone: Cone
    shift: tuple[float, float, float]

    def words(self) -> str:
        kind = "cone" if self.cone.slope else "cylinder"
        return f"{kind} of {self.cone.radius:g} mm, {self.cone.tilt_deg:g} degrees, CT {_by(self.spacing_mm)} mm"


def run(options: Options) -> Part:
    cones = [Cone(*one) for one in product(TILTS_DEG, RADII_MM, SLOPES)]
    tubes = product(SPACINGS_MM, cones)
    cases = [Case(spacing, cone, SHIFTS[n % len(SHIFTS)]) for n, (spacing, cone) in enumerate(tubes)]
    found = each(errors, cases, title="depth", jobs=options.jobs, words=Case.words)
    pairs = list(zip(cases, found, strict=True))
    figures = [(case, float(error.mean()), float(np.sqrt((error**2).mean()))) for case, error in pairs]
    rows = []
    for spacing in SPACINGS_MM:
        pooled = np.concatenate([error for case, error in pairs if case.spacing_mm == spacing])
        here = [figure for figure in figures if figure[0].spacing_mm == spacing]
        worst_bias, worst_rms = max(here, key=lambda one: abs(one[1])), max(here, key=lambda one: one[2])
        rows.append(
            (
                _by(spacing),
                f"{pooled.mean():+.3f}",
                f"{np.sqrt((pooled**2).mean()):.3f}",
                f"{worst_bias[1]:+.3f} ({_short(worst_bias[0])})",
                f"{worst_rms[2]:.3f} ({_short(worst_rms[0])})",
            )
        )
    head = ("CT voxel, mm", "Bias, mm", "RMS, mm", "Largest bias of a tube", "Largest RMS of a tube")
    checks = (
        at_most("depth_p50: largest bias of any tube, mm", max(abs(one[1]) for one in figures), BIAS_MM, form=".3f"),
        at_most("depth_p50: largest rms of any tube, mm", max(one[2] for one in figures), RMS_MM, form=".3f"),
    )
    return Part("Depth under the wall", (Table(head, tuple(rows)),), checks, (f"{len(cases)} tubes.",))


def errors(case: Case) -> Floats:
    """Sampled less exact `depth_p50` (n,) of the PET voxels near a tube, in mm."""
    cone, pet = case.cone, case.cone.grid(PET_MM, margin=14.0, shift=(0.0, 0.0, 0.0))
    step = (np.arange(PARTS) + 0.5) / PARTS - 0.5
    lattice = np.stack(np.meshgrid(step, step, step, indexing="ij"), axis=-1).reshape(-1, 3) * PET_MM
    ct = cone.grid(case.spacing_mm, margin=4.0, shift=case.shift)
    centres = ct.to_mm(np.stack(np.meshgrid(*map(np.arange, ct.shape), indexing="ij"), axis=-1))
    tube = fit_tube(axes_of(cone.stations())[0], cone.inside(centres), ct)
    (stretch,) = stretches_of(tube.axis)
    rows = rows_of(tube, stretch, pet, reach_mm=REACH_MM, threads=1)
    exact = [
        np.partition(cone.depth(part[:, None] + lattice), PARTS**3 // 2, axis=1)[:, PARTS**3 // 2]
        for part in np.array_split(rows.mm, max(1, len(rows.mm) // 500))
    ]
    return np.asarray(rows.median_depth - np.concatenate(exact))


def _short(case: Case) -> str:
    return f"{'cone' if case.cone.slope else 'cylinder'} {case.cone.radius:g} mm, {case.cone.tilt_deg:g} deg"


def _by(numbers: tuple[float, ...]) -> str:
    return " x ".join(f"{number:g}" for number in numbers)
