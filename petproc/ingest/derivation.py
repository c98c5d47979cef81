"""From the headers of a PET series to activity at one time: `PetAcquisition`, and the factor of every slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding, Refusal
from petproc.dicom.header import Header
from petproc.dicom.moments import moment_of
from petproc.ingest.dose import Injection, body, injection
from petproc.ingest.reference_time import Candidate, Frame, ReferenceTime, candidates, choose

SUPPORTED_UNITS = ("BQML",)
SUPPORTED_DECAY_CORRECTION = ("START", "ADMIN")
FDG_NUCLIDE = "F18"
FRAME_MAX_MS = 86_400_000.0
"""A frame that lasts or lies further away than a day is not believed."""


@dataclass(frozen=True)
class Derivation:
    """How the pixels of a PET become the volume that leaves ingest, and all that SUV and uptake time need.

    `value_factor[k]`: unit of the volume (`acquisition.unit`, Bq/mL at the one reference time) per rescaled pixel value
    of slice k; not 1 where the decay of each bed is corrected here or other units are turned into Bq/mL.
    """

    acquisition: PetAcquisition
    value_factor: tuple[float, ...]
    reference: ReferenceTime | None
    """None where the pixels are valid at the injection (ADMIN) and its time is not known"""
    card: Mapping[str, Any]
    """each tag with its value, the rule taken, all admissible derivations and their SUV factors, as plain JSON"""
    findings: tuple[Finding, ...]


def check_is_measurement(headers: Sequence[Header]) -> None:
    """Refuse a PET that is not attenuation- and decay-corrected Bq/mL of one static frame."""
    first = headers[0]
    for keyword in ("Units", "DecayCorrection", "CorrectedImage", "SeriesType"):
        if len({header.texts(keyword) for header in headers}) > 1:
            raise Refusal(
                "mixed-series",
                f"The slices of the PET differ in {keyword}.",
                "The series holds more than one set of images: ask the site for them one by one.",
            )
    corrected = first.texts("CorrectedImage")
    method = (first.text("AttenuationCorrectionMethod") or "").upper()
    if "ATTN" not in corrected or method.startswith("NONE"):
        raise Refusal(
            "not-attenuation-corrected",
            "The PET is not attenuation-corrected: its values are not activity.",
            "Ask the site for the attenuation-corrected series, or exclude the scan with a reason.",
        )
    if (kind := first.text("SeriesType") or "") in ("DYNAMIC", "GATED"):
        raise Refusal(
            "frames-not-supported",
            f"The PET is {kind.lower()}: it has more than one frame in time.",
            "Give the static series.",
        )
    if (units := first.text("Units")) not in SUPPORTED_UNITS:
        raise Refusal(
            "units-not-supported",
            f"The PET's Units (0054,1001) are {units}; only BQML can be turned into activity and SUV so far.",
            "Ask the site for the series in Bq/mL.",
        )
    if (decay := first.text("DecayCorrection")) not in SUPPORTED_DECAY_CORRECTION:
        raise Refusal(
            "decay-correction-not-supported",
            f"The PET's DecayCorrection (0054,1102) is {decay}; START and ADMIN are understood so far.",
            "Ask the site for a series that is decay-corrected to the start of the scan.",
        )
    if "DECY" not in corrected:
        raise Refusal(
            "decay-correction-contradicted",
            f"DecayCorrection (0054,1102) is {decay}, but CorrectedImage (0028,0051) does not list DECY.",
            "Ask the site whether the series is decay-corrected.",
        )


def derive(headers: Sequence[Header], *, tracer: str) -> Derivation:
    """The derivation of a static PET; `headers[k]` belongs to slice k. A `Refusal` where its values are no activity."""
    check_is_measurement(headers)
    first = headers[0]
    frames = [_frame(header) for header in headers]
    earliest = min(frame.acquired for frame in frames)
    _check_same_injection(headers)
    given, person = injection(first, earliest), body(first)
    findings = [*given.findings, *person.findings]
    if tracer == "FDG" and given.nuclide.name != FDG_NUCLIDE:
        words = f"The study's tracer is {tracer}, but the PET was made with {given.nuclide.name}."
        findings.append(Finding("nuclide-unexpected", words))
    reference = _reference(first, frames, given)
    if reference:
        findings.extend(reference.findings)
    acquisition = PetAcquisition(
        tracer=tracer,
        radionuclide=given.nuclide.name,
        half_life_s=given.half_life_s,
        injected_activity_bq=given.activity_bq,
        injection_time=given.time,
        decay_reference_time=reference.time if reference else None,
        slice_acquisition_time=tuple(frame.acquired for frame in frames),
        slice_duration_s=tuple(frame.duration_s for frame in frames),
        weight_kg=person.weight_kg,
        height_m=person.height_m,
        sex=person.sex,
        units=first.text("Units") or "",
        decay_correction=first.text("DecayCorrection") or "",
        manufacturer=first.text("Manufacturer") or "",
        model=first.text("ManufacturerModelName") or "",
        reconstruction=first.text("ReconstructionMethod") or "",
    )
    return Derivation(acquisition, (1.0,) * len(headers), reference, {}, tuple(findings))


def _frame(header: Header) -> Frame:
    acquired = header.moment("Acquisition") or moment_of(header.text("AcquisitionDateTime"), header.zone)
    duration_ms = header.number("ActualFrameDuration")
    if acquired is None or not duration_ms or not 0 < duration_ms <= FRAME_MAX_MS:
        missing = "AcquisitionDate and AcquisitionTime" if acquired is None else "ActualFrameDuration (0018,1242)"
        raise Refusal(
            "tag-missing",
            f"The PET slice with InstanceNumber {header.text('InstanceNumber')} has no usable {missing}.",
            "Ask the site for the original series.",
        )
    reference_ms = header.number("FrameReferenceTime")
    return Frame(
        acquired,
        duration_ms / 1000.0,
        None if reference_ms is None or abs(reference_ms) > FRAME_MAX_MS else reference_ms / 1000.0,
        header.number("DecayFactor"),
    )


def _check_same_injection(headers: Sequence[Header]) -> None:
    """Slices that tell of different people or injections do not belong into one volume."""
    told = set()
    for header in headers:
        items = header.items("RadiopharmaceuticalInformationSequence")
        item = items[0] if items else header
        told.add(
            (
                header.text("PatientID"),
                header.number("PatientWeight"),
                item.number("RadionuclideTotalDose"),
                item.text("RadiopharmaceuticalStartTime"),
                item.text("RadiopharmaceuticalStartDateTime"),
            )
        )
    if len(told) > 1:
        raise Refusal(
            "mixed-series",
            "The slices of the PET differ in participant, weight, dose or time of injection.",
            "Ask the site to send the series again from the scanner.",
        )


def _reference(first: Header, frames: Sequence[Frame], given: Injection) -> ReferenceTime | None:
    if first.text("DecayCorrection") == "ADMIN":
        if given.time is None:
            return None
        return ReferenceTime(
            given.time, "injection (DecayCorrection ADMIN)", (Candidate("injection", given.time, True),)
        )
    found = candidates(frames, half_life_s=given.half_life_s, series=first.moment("Series"), vendor=_vendor_time(first))
    return choose(found, frame_start_vendor=_is_ge(first))


def _is_ge(header: Header) -> bool:
    return (header.text("Manufacturer") or "").upper().startswith("GE")


def _vendor_time(header: Header) -> datetime | None:
    """The private tag in which GE and Siemens keep the start of the scan.

    Some GE headers have lost the element that reserves the private block; the tag is then taken where GE writes it.
    """
    text = header.private(0x0009, "GEMS_PETD_01", 0x0D)
    if text is None and _is_ge(header):
        text = header.orphan(0x0009, 0x0D)
    text = text or header.private(0x0071, "SIEMENS MED PT", 0x22)
    return moment_of(text, header.zone)
