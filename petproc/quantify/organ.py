"""Organs: liver, spleen, marrow. Their core as a whole, without slices and never an index vessel.

The voxels of an organ lie at least so deep under its surface that neither partial volume nor the breathing edge of the
liver reaches them. The depths are proposals of ours. The liver tells how noisy a PET is, and whether its SUV is
plausible at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from petproc.core.errors import Finding, Refusal
from petproc.quantify.scan import Scans, rows_of_organ
from petproc.settings import QuantifySettings

VOLUME_MIN_ML = 5.0
"""Of an organ's core; less (50 to 100 voxels) tells neither a mean nor a noise. Ours."""
LIVER = "liver"
LIVER_SUV = (1.3, 3.0)
"""SUVbw by body weight, usual by the guidelines for tumours; normal livers are 1.87 (SD 0.41) and 2.17 (0.44)."""
LIVER_SUV_PLAUSIBLE = (1.0, 4.0)
LIVER_COV = (0.15, 0.20)


@dataclass(frozen=True)
class Organ:
    """Activity (Bq/mL) of an organ's core: mean, max, SD (n - 1) over mean; how much of it, and when it was imaged."""

    activity_mean: float
    activity_max: float
    cov: float
    n_voxel: int
    volume_ml: float
    uptake_min: float | None


def measure_organ(organ: str, scans: Scans, settings: QuantifySettings) -> Organ:
    """The core of `organ`; a `Refusal` where it is not there, too small or without numbers."""
    scan, absent = scans.of(organ), scans.tables_of(organ).sample["absent"]
    rows = rows_of_organ(scan, organ)
    if organ in absent or not len(rows["k"]):
        why = f"No {organ}: {absent.get(organ, 'it is not segmented.')}"
        raise Refusal("absent", why, "Name a backend that segments it in backend_of, or leave it out of regions.")
    depth_mm = settings.depth_in(organ)
    core = np.flatnonzero(rows["depth_p50"] >= depth_mm)
    volume_ml = len(core) * scan.grid.voxel_ml
    if volume_ml < VOLUME_MIN_ML:
        raise Refusal(
            "organ-too-small",
            f"Only {volume_ml:.2f} mL of {organ} lie {depth_mm:g} mm under its surface; {VOLUME_MIN_ML:g} mL are "
            "needed.",
            "Look at its mask and how much of it is in view.",
        )
    activity, planes = rows["activity"][core].astype(np.float64), rows["k"][core]
    mean = float(activity.mean())
    if not (np.isfinite(mean) and mean > 0):
        raise Refusal("activity-not-positive", f"The mean activity of {organ} is {mean:g} Bq/mL.", "Look at the PET.")
    uptake_min = None if scan.uptake_min is None else float(scan.uptake_min[planes].mean())
    return Organ(mean, float(activity.max()), float(activity.std(ddof=1)) / mean, len(core), volume_ml, uptake_min)


def organ_findings(organ: str, measured: Organ, suv_bw: float | None) -> Iterator[Finding]:
    """Of the liver alone: whether its mean SUV by body weight is plausible, and how noisy the PET is."""
    if organ != LIVER:
        return
    if suv_bw is not None and not LIVER_SUV_PLAUSIBLE[0] <= suv_bw <= LIVER_SUV_PLAUSIBLE[1]:
        words = f"The liver's mean SUV is {suv_bw:.2f}, outside 1 to 4: dose, weight, calibration or time is wrong."
        yield Finding("liver-suv-implausible", f"{words} No TBR depends on them. Consider to exclude the scan.")
    elif suv_bw is not None and not LIVER_SUV[0] <= suv_bw <= LIVER_SUV[1]:
        words = f"The liver's mean SUV is {suv_bw:.2f}, outside 1.3 to 3: check dose, weight and calibration."
        yield Finding("liver-suv-unusual", words)
    if measured.cov > LIVER_COV[1]:
        words = f"The liver's voxels vary by {measured.cov:.0%} (COV), above 20 %: every maximum reads high by noise."
        yield Finding("liver-very-noisy", f"{words} Consider to exclude the scan.")
    elif measured.cov > LIVER_COV[0]:
        words = f"The liver's voxels vary by {measured.cov:.0%} (COV), above 15 %: maxima read high by noise."
        yield Finding("liver-noisy", words)
