"""What was injected, how much, when and into whom, from a PET header; None where the delivery does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from petproc.core.acquisition import Sex
from petproc.core.errors import Finding, Refusal
from petproc.dicom.header import Header
from petproc.dicom.moments import moment, moment_of
from petproc.ingest.nuclides import Nuclide, named, with_half_life

DOSE_MIN_BQ = 1e5
"""RadionuclideTotalDose is in Bq; a smaller number was typed in MBq (peaks at 4e2 and 4e8 in real data)."""
DOSE_MAX_BQ = 1e11
INJECTION_TOLERANCE_S = 10.0
"""RadiopharmaceuticalStartDateTime and ...StartTime may differ by this much."""
UPTAKE_HALF_LIVES_MAX = 6.0
"""An injection longer ago than this is a wrong date, not a scan: 1.6 % of the dose would be left."""
WEIGHT_KG = (1.0, 500.0)
HEIGHT_M = (0.3, 2.5)


@dataclass(frozen=True)
class Injection:
    nuclide: Nuclide
    half_life_s: float
    activity_bq: float | None
    time: datetime | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Body:
    weight_kg: float | None
    height_m: float | None
    sex: Sex | None
    findings: tuple[Finding, ...]


def injection(header: Header, first_acquired: datetime) -> Injection:
    """The injection told by the PET header; a `Refusal` where what it tells cannot be right."""
    items = header.items("RadiopharmaceuticalInformationSequence")
    if len(items) > 1:
        raise Refusal(
            "several-injections",
            f"The PET lists {len(items)} radiopharmaceuticals.",
            "Ask the site which one this scan shows.",
        )
    if not items:
        raise Refusal(
            "tag-missing",
            "The PET has no RadiopharmaceuticalInformationSequence (0054,0016): nuclide, dose and injection time are "
            "unknown.",
            "Ask the site for the original series.",
        )
    item = items[0]
    nuclide, half_life_s, findings = _half_life(item)
    activity_bq = _activity(item)
    time = _time(header, item, first_acquired)
    if time:
        _check_uptake(time, first_acquired, half_life_s)
    missing = [name for name, value in (("dose", activity_bq), ("injection time", time)) if value is None]
    if missing:
        words = f"The PET does not tell the {' and the '.join(missing)}: no SUV, TBR is still possible."
        findings = (*findings, Finding("suv-inputs-missing", words))
    return Injection(nuclide, half_life_s, activity_bq, time, findings)


def _half_life(item: Header) -> tuple[Nuclide, float, tuple[Finding, ...]]:
    stated_s = item.number("RadionuclideHalfLife")
    codes = item.items("RadionuclideCodeSequence")
    nuclide = named(codes[0].text("CodeMeaning"), codes[0].text("CodeValue")) if codes else None
    nuclide = nuclide or with_half_life(stated_s)
    if nuclide is None:
        raise Refusal(
            "half-life-unknown",
            f"The nuclide is not named and RadionuclideHalfLife (0018,1075) is {stated_s}.",
            "Ask the site which nuclide was injected.",
        )
    if stated_s and nuclide.has_half_life(stated_s):
        return nuclide, stated_s, ()
    other = with_half_life(stated_s)
    if other:
        raise Refusal(
            "nuclide-contradicts-half-life",
            f"The PET names {nuclide.name} but RadionuclideHalfLife (0018,1075) is that of {other.name}.",
            "Ask the site which nuclide was injected.",
        )
    words = (
        f"RadionuclideHalfLife (0018,1075) is {stated_s}; {nuclide.half_life_s} s of {nuclide.name} was taken instead."
    )
    return nuclide, nuclide.half_life_s, (Finding("half-life-replaced", words),)


def _activity(item: Header) -> float | None:
    dose = item.number("RadionuclideTotalDose")
    if not dose:
        return None
    if dose < 0 or dose > DOSE_MAX_BQ:
        raise Refusal(
            "dose-implausible", f"RadionuclideTotalDose (0018,1074) is {dose:g} Bq.", "Ask the site for the dose."
        )
    if dose < DOSE_MIN_BQ:
        raise Refusal(
            "dose-looks-like-mbq",
            f"RadionuclideTotalDose (0018,1074) is {dose:g}; in Bq that is next to nothing, it looks like MBq.",
            "Ask the site to confirm the dose and its unit.",
        )
    return dose


def _time(header: Header, item: Header, first_acquired: datetime) -> datetime | None:
    """StartDateTime, else StartTime on the day of the scan or, where that is after it, on the day before."""
    clock_text = item.text("RadiopharmaceuticalStartTime")
    dated = moment_of(item.text("RadiopharmaceuticalStartDateTime"), header.zone)
    day = first_acquired.astimezone(header.zone)
    clock = moment(day.strftime("%Y%m%d"), clock_text, header.zone)
    if dated and clock:
        apart = abs((dated - clock).total_seconds()) % 86400.0
        if min(apart, 86400.0 - apart) > INJECTION_TOLERANCE_S:
            raise Refusal(
                "injection-time-disagrees",
                "RadiopharmaceuticalStartDateTime (0018,1078) and RadiopharmaceuticalStartTime (0018,1072) contradict "
                f"each other: {dated:%H:%M:%S} and {clock:%H:%M:%S}.",
                "Ask the site for the time of injection.",
            )
    if dated or clock is None:
        return dated
    return clock if clock <= first_acquired else clock - timedelta(days=1)


def _check_uptake(time: datetime, first_acquired: datetime, half_life_s: float) -> None:
    waited_s = (first_acquired - time).total_seconds()
    if not 0 <= waited_s <= UPTAKE_HALF_LIVES_MAX * half_life_s:
        raise Refusal(
            "injection-time-implausible",
            f"By its header the PET began {waited_s / 60:.0f} min after the injection.",
            "Ask the site for the time and date of injection and whether dates were changed.",
        )


def body(header: Header) -> Body:
    """Weight, height and sex where they can be true."""
    findings = []
    weight, height = header.number("PatientWeight"), header.number("PatientSize")
    if not weight or not WEIGHT_KG[0] <= weight <= WEIGHT_KG[1]:
        said = "missing" if not weight else f"{weight:g} kg"
        words = f"PatientWeight (0010,1030) is {said}: no SUV by body weight, TBR is still possible."
        findings.append(Finding("weight-unusable", words))
        weight = None
    if height and not HEIGHT_M[0] <= height <= HEIGHT_M[1]:
        findings.append(Finding("height-unusable", f"PatientSize (0010,1020) is {height:g} m; it is not used."))
    if not height or not HEIGHT_M[0] <= height <= HEIGHT_M[1]:
        height = None
    sex = {"M": "M", "F": "F", "O": "O"}.get(header.text("PatientSex") or "")
    return Body(weight, height, sex, tuple(findings))  # type: ignore[arg-type]
