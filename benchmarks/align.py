"""How near `align` comes to planted offsets between CT and PET: 0 to 12 mm, 0 to 4 degrees, two levels of noise.

    .venv/bin/python benchmarks/align.py [--participants 3] [--seed 1]

The CT of a phantom scan (the demo's grid, a noisy low-dose CT of one breath) is moved by its affine, so that no voxel
is interpolated and the answer is exact; the PET is the mean over breathing, with noise of a coefficient of variation of
0.015 or 0.10 in the liver. Participants take turns. `shift` is the error of the translation at the estimate's centre,
`turn` that of the rotation; `+-` the standard errors that `align` states, each covered where the error is at most two
of them. The exit status is 1 where a bar is missed or an error is not covered. About 5 s a line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from petproc.align import estimate_alignment
from petproc.align.motion import Motion, rotation_about
from petproc.core.grid import Grid
from petproc.core.results import Alignment, Point
from petproc.core.suv import suv_per_activity
from petproc.core.volume import Volume
from petproc.phantom.scan import PhantomScan, make_scan
from petproc.phantom.scanner import LIVER_SUV, with_noise
from petproc.settings import AlignSettings

NOISE = (0.015, 0.10)
BAR_MM, BAR_DEG = 1.0, 0.5
COVERED = 2.0
"""standard errors"""
ABOUT = np.array([10.0, -20.0, 40.0])
"""centre of the planted rotations, mm; not that of the estimate"""
STILL: Point = (0.0, 0.0, 0.0)
CASES: tuple[tuple[Point, Point], ...] = (
    (STILL, STILL),
    *((shift, STILL) for shift in ((12.0, 0.0, 0.0), (0.0, -12.0, 0.0), (0.0, 0.0, 12.0), (0.0, 0.0, -12.0))),
    *((STILL, turn) for turn in ((4.0, 0.0, 0.0), (-4.0, 0.0, 0.0), (0.0, 4.0, 0.0), (0.0, 0.0, -4.0))),
    ((1.0, -1.0, 2.0), (0.0, 0.5, 0.5)),
    ((-3.0, 2.0, 4.0), (1.0, 0.0, -1.5)),
    ((4.0, 4.0, -6.0), (-1.5, 2.0, 1.0)),
    ((6.9, 6.9, 6.9), (2.3, 2.3, 2.3)),
    ((-6.9, 6.9, -6.9), (-2.3, 2.3, -2.3)),
)
"""What the CT is moved by: shift (mm) and rotation vector (degrees)."""


@dataclass(frozen=True)
class Line:
    participant: int
    noise: float
    shift: Point
    turn: Point
    error_mm: float
    error_deg: float
    uncertainty_mm: float
    uncertainty_deg: float

    @property
    def missed(self) -> bool:
        return self.error_mm > BAR_MM or self.error_deg > BAR_DEG

    @property
    def covered(self) -> bool:
        return self.error_mm <= COVERED * self.uncertainty_mm and self.error_deg <= COVERED * self.uncertainty_deg

    def __str__(self) -> str:
        planted = f"{np.linalg.norm(self.shift):5.1f} mm {_words(self.shift):<19}{_words(self.turn):<17}"
        said = "  MISSED" if self.missed else "" if self.covered else "  NOT COVERED"
        return (
            f"{self.participant:4d} {self.noise:6.3f}  {planted} {self.error_mm:6.2f} {self.uncertainty_mm:6.2f}  "
            f"{self.error_deg:6.3f} {self.uncertainty_deg:6.3f}  {'yes' if self.covered else 'no':<7}{said}"
        )


HEAD = (
    "part  noise  planted: length, x y z (mm)     about x y z (deg)   shift     +-    turn     +-  covered\n"
    f"{'':>62}(mm)   (mm)   (deg)  (deg)"
)


def measured(participants: int, seed: int) -> Iterator[Line]:
    """Every case at every level of noise, the participants in turn."""
    for number in range(1, participants + 1):
        scan = make_scan(seed=seed, participant=number)
        for n, noise in enumerate(NOISE):
            pet = _noisy(scan, noise, seed=[seed, number, n])
            for shift, turn in CASES[(number - 1 + n) % participants :: participants]:
                ct, truth = _moved(scan.ct, shift, turn)
                found = estimate_alignment(
                    pet, ct, settings=AlignSettings(), acquisition=scan.acquisition, scan="phantom"
                )
                yield Line(
                    number,
                    noise,
                    shift,
                    turn,
                    *_errors(found, truth),
                    found.uncertainty_mm,
                    found.rotation_uncertainty_deg,
                )


def _noisy(scan: PhantomScan, noise: float, *, seed: list[int]) -> Volume:
    clean = scan.pet_noise_free
    liver = LIVER_SUV / suv_per_activity(scan.acquisition)
    rng = np.random.default_rng(seed)
    data = with_noise(clean.data, noise, voxel_mm=clean.grid.spacing, liver=liver, rng=rng)
    return Volume(data, clean.grid, clean.unit)


def _moved(ct: Volume, shift: Point, turn: Point) -> tuple[Volume, Motion]:
    """The CT at another place, and the motion from there to the PET."""
    motion = Motion(rotation_about(np.radians(turn)), ABOUT, np.array(shift))
    affine = np.eye(4)
    affine[:3, :3] = motion.rotation
    affine[:3, 3] = motion(np.zeros(3))
    back = motion.rotation.T
    inverse = Motion(back, ABOUT, -(back @ motion.translation))
    return Volume(ct.data, Grid(ct.grid.shape, affine @ ct.grid.affine), ct.unit), inverse


def _errors(found: Alignment, truth: Motion) -> tuple[float, float]:
    """Of the translation at the estimate's centre (mm) and of the rotation (degrees)."""
    centre = np.array(found.centre_mm)
    shift = np.linalg.norm(centre + found.translation_mm - truth(centre))
    about_x, about_y, about_z = (
        rotation_about(angle * axis) for angle, axis in zip(np.radians(found.rotation_deg), np.eye(3), strict=True)
    )
    left = about_z @ about_y @ about_x @ truth.rotation.T
    sine = np.array([left[2, 1] - left[1, 2], left[0, 2] - left[2, 0], left[1, 0] - left[0, 1]]) / 2
    return float(shift), float(np.degrees(np.arctan2(np.linalg.norm(sine), (np.trace(left) - 1) / 2)))


def _words(values: Point) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--participants", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(HEAD)
    lines: list[Line] = []
    for line in measured(chosen.participants, chosen.seed):
        print(line, flush=True)
        lines.append(line)
    shift, turn = max(line.error_mm for line in lines), max(line.error_deg for line in lines)
    covered = sum(line.covered for line in lines)
    print(f"\nWorst: {shift:.2f} mm (bar {BAR_MM:g}), {turn:.3f} degrees (bar {BAR_DEG:g}).")
    print(f"Covered by {COVERED:g} standard errors: {covered} of {len(lines)}.")
    return 1 if any(line.missed for line in lines) or covered < len(lines) else 0


if __name__ == "__main__":
    sys.exit(main())
