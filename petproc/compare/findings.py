"""What makes two visits less comparable: noticed and said, never corrected."""

from __future__ import annotations

from collections.abc import Sequence

from petproc.compare.match import Matched
from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding
from petproc.core.tables import SliceRow

UPTAKE_DIFFERENCE_MIN = 10.0
"""Ten minutes shift a TBR by 2 to 3.4 % (from the rises published for 90 to 180 min and 60 to 180 min)."""
UNMATCHED_FRACTION = 0.20
SLICE_LENGTH_FRACTION = 0.02
BLOOD_CHANGE = 0.25
WEIGHT_CHANGE = 0.05
DOSE_CHANGE = 0.20


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
    for code, words, was, now in (
        ("reconstruction-differs", "reconstruction", before.reconstruction, after.reconstruction),
        ("scanner-differs", "scanner", _scanner(before), _scanner(after)),
    ):
        if was != now:
            findings.append(Finding(code, f"The {words} was {was!r} at baseline and is {now!r} at follow-up."))
    for code, words, limit, was_value, now_value in (
        ("weight-differs", "weight in kg", WEIGHT_CHANGE, before.weight_kg, after.weight_kg),
        ("dose-differs", "dose in Bq", DOSE_CHANGE, before.injected_activity_bq, after.injected_activity_bq),
    ):
        if was_value and now_value and _relative(was_value, now_value) > limit:
            findings.append(
                Finding(code, f"The {words} was {was_value:g} at baseline and is {now_value:g} at follow-up.")
            )
    return findings


def _scanner(acquisition: PetAcquisition) -> str:
    return f"{acquisition.manufacturer} {acquisition.model}".strip()


def _relative(before: float, after: float) -> float:
    return abs(after - before) / before


def _mean_uptake(slices: Sequence[SliceRow]) -> float | None:
    times = [row.uptake_min for row in slices if row.uptake_min is not None]
    return sum(times) / len(times) if times else None
