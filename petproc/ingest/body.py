"""Weight, height and sex of the participant from a PET header; None, and why, where the delivery does not say."""

from __future__ import annotations

from dataclasses import dataclass

from petproc.core.acquisition import Sex, Unknown
from petproc.core.errors import Finding
from petproc.dicom.header import Header

WEIGHT_KG = (1.0, 500.0)
WEIGHT_G = (20_000.0, 400_000.0)
"""A number in this range can only be a weight in g: nobody weighs so many kg."""
HEIGHT_M = (0.3, 2.5)
HEIGHT_CM = (50.0, 250.0)
"""A number in this range can only be a height in cm."""
BMI = (8.0, 110.0)
"""kg/m2; beyond, weight or height is wrong, and which of them is not told."""


@dataclass(frozen=True)
class Body:
    weight_kg: float | None
    height_m: float | None
    sex: Sex | None
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]


def body(header: Header) -> Body:
    """Weight, height and sex where they can be true; another unit only where the number leaves no doubt."""
    weight_kg, weight_unknown, findings = _weight(header.number("PatientWeight"))
    height_m, height_unknown, more = _height(header.number("PatientSize"))
    sex: Sex | None = {"M": "M", "F": "F", "O": "O"}.get(header.text("PatientSex") or "")  # type: ignore[assignment]
    findings, unknown = [*findings, *more], [*weight_unknown, *height_unknown]
    if weight_kg and height_m and not BMI[0] <= weight_kg / height_m**2 <= BMI[1]:
        unknown += _contradicting(weight_kg, height_m)
        words = f"{unknown[0].reason} Neither is used; TBR is still possible."
        findings.append(Finding("weight-and-height-contradict", words))
        weight_kg = height_m = None
    if sex is None:
        reason = "PatientSex (0010,0040) is missing."
        unknown.append(Unknown("sex", "sex-missing", reason, "Enter sex of the scan in config/worksheet.tsv."))
    if sex not in ("M", "F") and height_m:
        words = (
            f"PatientSex (0010,0040) is {sex or 'missing'}: lean body mass and ideal body weight are the mean of a "
            "man's and a woman's."
        )
        findings.append(Finding("sex-not-told", words, "info"))
    return Body(weight_kg, height_m, sex, tuple(unknown), tuple(findings))


def _contradicting(weight_kg: float, height_m: float) -> list[Unknown]:
    reason = (
        f"PatientWeight (0010,1030) and PatientSize (0010,1020) are {weight_kg:g} kg and {height_m:g} m, which nobody "
        "is: one of them is wrong."
    )
    remedy = "Enter weight_kg and height_cm of the scan in config/worksheet.tsv."
    return [
        Unknown("weight_kg", "weight-and-height-contradict", reason, remedy),
        Unknown("height_m", "weight-and-height-contradict", reason, remedy),
    ]


def _weight(told: float | None) -> tuple[float | None, list[Unknown], list[Finding]]:
    if told and WEIGHT_KG[0] <= told <= WEIGHT_KG[1]:
        return told, [], []
    if told and WEIGHT_G[0] <= told <= WEIGHT_G[1]:
        words = f"PatientWeight (0010,1030) is {told:g}; it is taken as {told / 1000:g} kg, entered in g."
        return told / 1000.0, [], [Finding("weight-in-grams", words)]
    said = f"{told:g} kg" if told else "missing, 0 or no number"
    reason = f"PatientWeight (0010,1030) is {said}."
    why = Unknown("weight_kg", "weight-unusable", reason, "Enter weight_kg of the scan in config/worksheet.tsv.")
    return None, [why], [Finding("weight-unusable", f"{reason} No SUV by body weight; TBR is still possible.")]


def _height(told: float | None) -> tuple[float | None, list[Unknown], list[Finding]]:
    if told and HEIGHT_M[0] <= told <= HEIGHT_M[1]:
        return told, [], []
    if told and HEIGHT_CM[0] <= told <= HEIGHT_CM[1]:
        words = f"PatientSize (0010,1020) is {told:g}; it is taken as {told / 100:g} m, entered in cm."
        return told / 100.0, [], [Finding("height-in-cm", words)]
    reason = f"PatientSize (0010,1020) is {f'{told:g} m' if told else 'missing, 0 or no number'}."
    why = Unknown("height_m", "height-unusable", reason, "Enter height_cm of the scan in config/worksheet.tsv.")
    return None, [why], [Finding("height-unusable", f"{reason} It is not used.")] if told else []
