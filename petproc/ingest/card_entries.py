"""The derivation card of a PET as plain JSON: every tag used, the rule taken, what else was possible, the SUV factors.

`suv_factor` is SUV per rescaled pixel value (stored value * slope + intercept): a number, or a list with one per slice,
upwards, where it differs. Nothing here is a name, an identifier or a path: tags are quoted only as far as they are
codes, numbers or times.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding, Refusal
from petproc.core.suv import VARIANTS, decay_factor, suv_per_activity
from petproc.dicom.header import Header
from petproc.ingest.body import Body
from petproc.ingest.clock import vendor_text
from petproc.ingest.dose import Injection, injected_item
from petproc.ingest.one_time import Conversion
from petproc.ingest.reference_time import Candidate
from petproc.ingest.units import PHILIPS_ACTIVITY, PHILIPS_SUV, philips_text

COMMON = {
    "Units": "(0054,1001)",
    "SUVType": "(0054,1006)",
    "DecayCorrection": "(0054,1102)",
    "CorrectedImage": "(0028,0051)",
    "SeriesDate": "(0008,0021)",
    "SeriesTime": "(0008,0031)",
    "TimezoneOffsetFromUTC": "(0008,0201)",
    "DecayCorrectionDateTime": "(0018,9701)",
    "PatientWeight": "(0010,1030)",
    "PatientSize": "(0010,1020)",
    "PatientSex": "(0010,0040)",
    "Manufacturer": "(0008,0070)",
}
"""Tags of which all slices say the same, or of which the first one counts."""
PER_SLICE = {
    "AcquisitionDate": "(0008,0022)",
    "AcquisitionTime": "(0008,0032)",
    "AcquisitionDateTime": "(0008,002A)",
    "FrameReferenceTime": "(0054,1300)",
    "ActualFrameDuration": "(0018,1242)",
    "DecayFactor": "(0054,1321)",
}
OF_INJECTION = {
    "RadionuclideTotalDose": "(0018,1074)",
    "RadionuclideHalfLife": "(0018,1075)",
    "RadiopharmaceuticalStartTime": "(0018,1072)",
    "RadiopharmaceuticalStartDateTime": "(0018,1078)",
}
_WORDS = ("Manufacturer",)
_CODE = re.compile(r"[A-Z0-9_ ]{1,16}")
_NUMBER_OR_TIME = re.compile(r"[0-9eE.:+\-/ ]{1,40}")
_WORD = re.compile(r"[A-Za-z0-9 .,&()/+\-]{1,64}")
_CODED = ("Units", "SUVType", "DecayCorrection", "CorrectedImage", "PatientSex")
UNREADABLE = "not a value of this tag"
HALF_LIVES_MAX = 100.0
"""No SUV is worked out for a candidate so far from the injection."""
VALUES_MAX = 16
"""So many values of one element are quoted."""

Factors = float | list[float]


def known_card(
    headers: Sequence[Header],
    *,
    given: Injection,
    person: Body,
    acquisition: PetAcquisition,
    done: Conversion,
    findings: Sequence[Finding],
) -> dict[str, Any]:
    """The card of a PET that is measured; `status` is `refused` where its SUV by body weight is not known."""
    factors, reasons, refusals = _suv_factors(acquisition, done.value_factor)
    why = refusals.get("bw")
    found = done.reference.candidates if done.reference else ()
    return {
        **_status(why),
        "activity": "ok" if done.unit == "Bq/mL" else "carried",
        **_said(headers[0], acquisition.decay_correction),
        "unit": done.unit,
        "reference_time": done.reference.time.isoformat() if done.reference else None,
        "rule": done.reference.rule if done.reference else _rule_without(done),
        "candidates": candidate_entries(found, done.value_factor, given, person),
        "derivations": [{"source": source, "suv_bw": factor} for source, factor in done.derivations],
        "half_life_s": given.half_life_s,
        "tags": tags(headers),
        "suv_factor": factors,
        "suv_factor_reason": reasons,
        "findings": [finding.to_json() for finding in findings],
    }


def refused_card(headers: Sequence[Header], refusal: Refusal, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The card of a PET that is not measured; `found` are the candidates of its reference time, as far as known."""
    first = headers[0] if headers else None
    return {
        **_status(refusal),
        "activity": "refused",
        **(_said(first, None) if first else dict.fromkeys(("units", "suv_type", "decay_correction"))),
        "unit": None,
        "reference_time": None,
        "rule": None,
        "candidates": list(found),
        "derivations": [],
        "half_life_s": None,
        "tags": tags(headers) if first else [],
        "suv_factor": dict.fromkeys(VARIANTS),
        "suv_factor_reason": dict.fromkeys(VARIANTS, f"{refusal.reason} [{refusal.code}]"),
        "findings": [],
    }


def _status(refusal: Refusal | None) -> dict[str, Any]:
    if refusal is None:
        return {"status": "ok", "code": None, "reason": None, "remedy": None}
    return {"status": "refused", "code": refusal.code, "reason": refusal.reason, "remedy": refusal.remedy}


def _said(header: Header, decay: str | None) -> dict[str, Any]:
    return {
        "units": _quoted("Units", header.texts("Units")),
        "suv_type": _quoted("SUVType", header.texts("SUVType")),
        "decay_correction": decay or _quoted("DecayCorrection", header.texts("DecayCorrection")),
    }


def _rule_without(done: Conversion) -> str:
    if done.unit != "Bq/mL":
        return "carried as the SUV that was delivered"
    return "valid at the injection (DecayCorrection ADMIN), whose time is not known"


def _suv_factors(
    acquisition: PetAcquisition, value_factor: Sequence[float]
) -> tuple[dict[str, Factors | None], dict[str, str], dict[str, Refusal]]:
    """SUV of each variant per rescaled pixel value, and for those that are not known the words and the refusal."""
    factors: dict[str, Factors | None] = {}
    reasons, refusals = {}, {}
    for variant in VARIANTS:
        try:
            factor = suv_per_activity(acquisition, variant)
        except Refusal as refusal:
            factors[variant] = None
            reasons[variant] = f"{refusal.reason} [{refusal.code}]"
            refusals[variant] = refusal
        else:
            factors[variant] = per_slice([one * factor for one in value_factor])
    return factors, reasons, refusals


def per_slice(values: Sequence[float]) -> Factors:
    """One number where all slices share it, else the list."""
    return values[0] if len(set(values)) == 1 else list(values)


def candidate_entries(
    found: Sequence[Candidate], value_factor: Sequence[float], given: Injection, person: Body
) -> list[dict[str, Any]]:
    """Every candidate of the reference time with the SUV by body weight per rescaled pixel value that it would give."""
    return [{**one.to_json(), "suv_bw": _bw_at(one, value_factor, given, person)} for one in found]


def _bw_at(candidate: Candidate, value_factor: Sequence[float], given: Injection, person: Body) -> Factors | None:
    if not given.activity_bq or given.time is None or person.weight_kg is None:
        return None
    waited_s = (candidate.time - given.time).total_seconds()
    if abs(waited_s) > HALF_LIVES_MAX * given.half_life_s:
        return None
    dose_bq = given.activity_bq * decay_factor(waited_s, given.half_life_s)
    return per_slice([one * 1000.0 * person.weight_kg / dose_bq for one in value_factor])


def tags(headers: Sequence[Header]) -> list[dict[str, Any]]:
    """Each tag used with its value as delivered: of the lowest slice and, where slices differ, of the highest."""
    first, item = headers[0], injected_item(headers[0])
    told = [_tag(keyword, tag, [first.texts(keyword)]) for keyword, tag in COMMON.items()]
    told += [_tag(name, tag, [header.texts(name) for header in headers]) for name, tag in PER_SLICE.items()]
    told += [_tag(name, tag, [item.texts(name) if item else ()]) for name, tag in OF_INJECTION.items()]
    return told + [one for one in _private_tags(headers) if one["value"] is not None]


def _private_tags(headers: Sequence[Header]) -> list[dict[str, Any]]:
    tag, text = vendor_text(headers[0])
    told = [_tag("start of the scan (private)", tag, [_alone(text)])]
    if headers[0].text("Units") == "CNTS":
        for name, element in (("SUV", PHILIPS_SUV), ("Bq/mL", PHILIPS_ACTIVITY)):
            values = [_alone(philips_text(header, element)) for header in headers]
            told.append(_tag(f"factor to {name} (private)", f"(7053,xx{element:02X})", values))
    return told


def _alone(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def _tag(keyword: str, tag: str, values: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"keyword": keyword, "tag": tag, "value": _quoted(keyword, values[0])}
    if (different := len(set(values))) > 1:
        entry |= {"last": _quoted(keyword, values[-1]), "different": different}
    return entry


def _quoted(keyword: str, values: Sequence[str]) -> str | None:
    pattern = _CODE if keyword in _CODED else _WORD if keyword in _WORDS else _NUMBER_OR_TIME
    return "\\".join(_checked(value, pattern) for value in values[:VALUES_MAX]) if values else None


def _checked(text: str, pattern: re.Pattern[str]) -> str:
    """The text where it can be a value of its tag: what stands in a tag by mistake may be anything."""
    return text if not text or pattern.fullmatch(text) else UNREADABLE
