"""What makes two visits less comparable: noticed and said, never corrected."""

from __future__ import annotations

from collections.abc import Sequence

from petproc.compare.match import Matched
from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding
from petproc.core.tables import SliceRow
from petproc.core.worksheet import Applied

UPTAKE_DIFFERENCE_MIN = 10.0
"""Ten minutes shift a TBR by 2 to 3.4 % (from the rises published for 90 to 180 min and 60 to 180 min)."""
UNMATCHED_FRACTION = 0.20
SLICE_LENGTH_FRACTION = 0.02
BLOOD_CHANGE = 0.25
LIVER_CHANGE = 0.20
LIVER_CHANGE_SUV = 0.5
LIVER_CHANGE_RANGE = (-0.9, 1.1)
"""Of 132 people 95 % changed by so much on and off therapy (Boktor 2013, doi:10.2967/jnumed.112.108530)."""
NOISE_RATIO = 1.2
"""Of the liver's COV at two visits: a third fewer counts, by which a mean of maxima rises by 2 % (simulated)."""
WEIGHT_CHANGE = 0.05
DOSE_CHANGE = 0.20
GLUCOSE_CHANGE_MMOL_L = 2.0

Visits = tuple[float | None, float | None]
"""A value at baseline and at follow-up."""


def region_findings(region: str, pair: Matched) -> list[Finding]:
    """Of the slices of one region that take part at both visits."""
    findings = []
    before, after = _mean_uptake(pair.baseline), _mean_uptake(pair.follow_up)
    if before is not None and after is not None and abs(after - before) > UPTAKE_DIFFERENCE_MIN:
        findings.append(
            Finding(
                "uptake-time-differs",
                f"{region}: imaged {before:.0f} min after injection at baseline and {after:.0f} min at follow-up.",
            )
        )
    if pair.unmatched_fraction > UNMATCHED_FRACTION:
        findings.append(
            Finding(
                "unmatched-length",
                f"{region}: {pair.unmatched_mm:.0f} mm are accepted at one visit alone and left out; "
                f"{pair.matched_mm:.0f} mm are compared.",
            )
        )
    lengths = [visit[0].slice_mm for visit in (pair.baseline, pair.follow_up) if visit]
    if len(lengths) == 2 and _relative(lengths[0], lengths[1]) > SLICE_LENGTH_FRACTION:
        findings.append(
            Finding(
                "slice-length-differs",
                f"{region}: slices of {lengths[0]:.2f} mm at baseline and {lengths[1]:.2f} mm at follow-up; "
                "maxima of thinner slices are more noisy.",
            )
        )
    return findings


def blood_findings(region: str, before: float | None, after: float | None) -> list[Finding]:
    """Of the blood pool's mean SUV at both visits."""
    if before is None or after is None or _relative(before, after) <= BLOOD_CHANGE:
        return []
    return [
        Finding(
            "blood-pool-differs",
            f"{region}: blood SUV {before:.2f} at baseline and {after:.2f} at follow-up; every TBR moves with it.",
        )
    ]


def liver_findings(suv: Visits, cov: Visits) -> list[Finding]:
    """Of the liver's mean SUV by body weight and of its COV, the noise of the PET, at both visits."""
    findings = []
    before, after = suv
    if before is not None and after is not None:
        change = after - before
        words = f"The liver's mean SUV was {before:.2f} at baseline and is {after:.2f} at follow-up"
        if not LIVER_CHANGE_RANGE[0] <= change <= LIVER_CHANGE_RANGE[1]:
            words += ", farther apart than 95 % of pairs: a dose, a weight or a calibration may be wrong."
            findings.append(Finding("liver-change-implausible", f"{words} No TBR depends on them."))
        elif abs(change) > LIVER_CHANGE_SUV or _relative(before, after) > LIVER_CHANGE:
            findings.append(Finding("liver-suv-differs", f"{words}, more than 0.5 or 20 % apart."))
    if cov[0] and cov[1] and max(cov[0], cov[1]) > NOISE_RATIO * min(cov[0], cov[1]):
        words = f"The liver's voxels vary by {cov[0]:.1%} (COV) at baseline and by {cov[1]:.1%} at follow-up"
        findings.append(Finding("noise-differs", f"{words}, a ratio above 1.2: maxima of the noisier PET read higher."))
    return findings


def scanner_findings(before: PetAcquisition, after: PetAcquisition) -> list[Finding]:
    """Of how the two PETs were made: a change of reconstruction alone can move a TBR by more than a treatment."""
    findings = []
    if before.reconstruction != after.reconstruction:
        words = _was("reconstruction", repr(before.reconstruction), repr(after.reconstruction))
        findings.append(Finding("reconstruction-differs", words))
    if _scanner(before) != _scanner(after):
        words = _was("scanner", repr(_scanner(before)), repr(_scanner(after)))
        findings.append(Finding("scanner-differs", words))
    return findings


def preparation_findings(before: Applied, after: Applied) -> list[Finding]:
    """Of weight, dose and glucose at both visits, by the worksheet where it tells them."""
    findings = []
    was, now = before.acquisition, after.acquisition
    if was.weight_kg and now.weight_kg and _relative(was.weight_kg, now.weight_kg) > WEIGHT_CHANGE:
        findings.append(Finding("weight-differs", _was("weight", f"{was.weight_kg:g} kg", f"{now.weight_kg:g} kg")))
    doses = was.injected_activity_bq, now.injected_activity_bq
    if doses[0] and doses[1] and _relative(doses[0], doses[1]) > DOSE_CHANGE:
        words = _was("dose", f"{doses[0] / 1e6:.4g} MBq", f"{doses[1] / 1e6:.4g} MBq")
        findings.append(Finding("dose-differs", words))
    glucose = before.glucose_mmol_l, after.glucose_mmol_l
    if glucose[0] and glucose[1] and abs(glucose[1] - glucose[0]) > GLUCOSE_CHANGE_MMOL_L:
        words = _was("glucose", f"{glucose[0]:g} mmol/L", f"{glucose[1]:g} mmol/L")
        findings.append(Finding("glucose-differs", f"{words} More than 2 mmol/L apart, it moves the uptake by itself."))
    return findings


def _was(what: str, before: str, after: str) -> str:
    return f"The {what} was {before} at baseline and is {after} at follow-up."


def _scanner(acquisition: PetAcquisition) -> str:
    return f"{acquisition.manufacturer} {acquisition.model}".strip()


def _relative(before: float, after: float) -> float:
    return abs(after - before) / before


def _mean_uptake(slices: Sequence[SliceRow]) -> float | None:
    times = [row.uptake_min for row in slices if row.uptake_min is not None]
    return sum(times) / len(times) if times else None
