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
WEIGHT_CHANGE = 0.05
DOSE_CHANGE = 0.20
GLUCOSE_CHANGE_MMOL_L = 2.0


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
