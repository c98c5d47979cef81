"""What was injected, how much and when, from a PET header; None, and why, where the delivery does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from petproc.core.acquisition import Unknown
from petproc.core.errors import Finding, Refusal
from petproc.dicom.header import Header
from petproc.ingest.injection_time import injection_time
from petproc.ingest.nuclides import Nuclide, named, with_half_life

DOSE_BQ = (1e6, 1e11)
"""RadionuclideTotalDose is in Bq; less or more is no dose of a scan."""
USUAL_BQ = (1e7, 2e9)
"""Outside, a dose is possible but worth a question."""
DOSE_MBQ = (40.0, 2000.0)
"""A number in this range was typed in MBq (peaks at 4e2 and 4e8 in real data); less may as well be mCi."""

_REMEDY = "Enter dose_mbq of the scan in config/worksheet.tsv."


@dataclass(frozen=True)
class Injection:
    nuclide: Nuclide
    half_life_s: float
    activity_bq: float | None
    time: datetime | None
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]


def injected_item(header: Header) -> Header | None:
    """The one radiopharmaceutical of a PET header, if there is one."""
    items = header.items("RadiopharmaceuticalInformationSequence")
    return items[0] if items else None


def injection(header: Header, until: datetime) -> Injection:
    """The injection before `until`, told by the PET header; a `Refusal` where its nuclide is not known."""
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
    activity_bq, unknown, more = _activity(item.number("RadionuclideTotalDose"))
    when = injection_time(header, item, until=until, half_life_s=half_life_s)
    return Injection(
        nuclide,
        half_life_s,
        activity_bq,
        when.time,
        (*unknown, *when.unknown),
        (*findings, *more, *when.findings),
    )


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


def _activity(told: float | None) -> tuple[float | None, tuple[Unknown, ...], tuple[Finding, ...]]:
    """RadionuclideTotalDose in Bq; another unit only where the number leaves no doubt."""
    if not told:
        why = Unknown(
            "injected_activity_bq",
            "dose-missing",
            "RadionuclideTotalDose (0018,1074) is missing, 0 or no number.",
            _REMEDY,
        )
        return None, (why,), (Finding("dose-missing", f"{why.reason} No SUV; TBR is still possible."),)
    if DOSE_MBQ[0] <= told <= DOSE_MBQ[1]:
        words = f"RadionuclideTotalDose (0018,1074) is {told:g}; it is taken as MBq: in Bq it is next to nothing."
        return told * 1e6, (), (Finding("dose-in-mbq", words),)
    if not DOSE_BQ[0] <= told <= DOSE_BQ[1]:
        reason = f"RadionuclideTotalDose (0018,1074) is {told:g}, which is no dose in Bq and none for certain in MBq."
        why = Unknown("injected_activity_bq", "dose-implausible", reason, _REMEDY)
        return None, (why,), (Finding("dose-implausible", f"{reason} No SUV; TBR is still possible."),)
    if USUAL_BQ[0] <= told <= USUAL_BQ[1]:
        return told, (), ()
    words = f"RadionuclideTotalDose (0018,1074) is {told / 1e6:g} MBq, an unusual dose: ask the site to confirm it."
    return told, (), (Finding("dose-unusual", words),)
