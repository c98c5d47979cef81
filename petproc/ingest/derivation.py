"""From the headers of a PET series to activity at one time: `PetAcquisition`, and the factor of every slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from petproc.core.acquisition import PetAcquisition, Unknown
from petproc.core.errors import Finding
from petproc.dicom.header import Header
from petproc.ingest.body import body
from petproc.ingest.card_entries import known_card
from petproc.ingest.clock import Clock, read_clock
from petproc.ingest.conversion import convert
from petproc.ingest.corrections import check_decay, check_is_measurement, check_same_injection, decay_correction
from petproc.ingest.dose import Injection, injection
from petproc.ingest.one_time import Conversion
from petproc.ingest.reference_time import ReferenceTime
from petproc.ingest.units import read_pixels

FDG_NUCLIDE = "F18"
NOT_TOLD = ("injection-time-missing", "injection-date-missing")
"""Codes of an injection time that the delivery does not tell, as against one that it contradicts."""


@dataclass(frozen=True)
class Derivation:
    """How the pixels of a PET become the volume that leaves ingest, and all that SUV and uptake time need.

    `value_factor[k]`: unit of the volume (`acquisition.unit`, Bq/mL at the one reference time) per rescaled pixel value
    of slice k; not 1 where the decay of each bed is corrected here or other units are turned into Bq/mL.
    """

    acquisition: PetAcquisition
    value_factor: tuple[float, ...]
    reference: ReferenceTime | None
    """None where the pixels are valid at the injection (ADMIN) and its time is not known, and where SUV is carried"""
    card: Mapping[str, Any]
    """each tag with its value, the rule taken, all admissible derivations and their SUV factors, as plain JSON"""
    findings: tuple[Finding, ...]


def derive(headers: Sequence[Header], *, tracer: str) -> Derivation:
    """The derivation of a static PET; `headers[k]` belongs to slice k.

    A `Refusal` where its values are neither activity nor uptake, or cannot be brought to one time. What SUV alone needs
    is no reason: it is None in the acquisition, with an `Unknown` that says why, and a finding.
    """
    first = headers[0]
    check_is_measurement(headers)
    check_same_injection(headers)
    pixels = read_pixels(headers)
    check_decay(first, is_suv=pixels.suv_type is not None)
    clock = read_clock(headers)
    given, person = injection(first, injected_until(first, clock)), body(first)
    done = convert(first, pixels, clock, given, person)
    acquisition = PetAcquisition(
        tracer=tracer,
        radionuclide=given.nuclide.name,
        half_life_s=given.half_life_s,
        injected_activity_bq=given.activity_bq,
        injection_time=given.time,
        decay_reference_time=done.reference.time if done.reference else None,
        slice_acquisition_time=tuple(frame.acquired for frame in clock.frames),
        slice_duration_s=tuple(frame.duration_s for frame in clock.frames),
        weight_kg=person.weight_kg,
        height_m=person.height_m,
        sex=person.sex,
        units=first.words("Units") or "",
        decay_correction=decay_correction(first) or "",
        manufacturer=first.words("Manufacturer") or "",
        model=first.words("ManufacturerModelName") or "",
        reconstruction=first.words("ReconstructionMethod") or "",
        unit=done.unit,
        suv_type=done.suv_type,
        unknown=(*given.unknown, *person.unknown, *_no_reference(done, given)),
    )
    told = (*pixels.findings, *clock.findings, *given.findings, *person.findings, *done.findings)
    findings = (*told, *_nuclide(tracer, given.nuclide.name))
    card = known_card(headers, given=given, person=person, acquisition=acquisition, done=done, findings=findings)
    return Derivation(acquisition, done.value_factor, done.reference, card, findings)


def injected_until(first: Header, clock: Clock) -> datetime:
    """Before which acquisition the tracer was injected: the first, or the last of a PET that watches it come in."""
    return clock.latest if first.text("SeriesType") == "DYNAMIC" else clock.earliest


def _nuclide(tracer: str, nuclide: str) -> tuple[Finding, ...]:
    if tracer != "FDG" or nuclide == FDG_NUCLIDE:
        return ()
    words = f"The study's tracer is {tracer}, but the PET was made with {nuclide}."
    return (Finding("nuclide-unexpected", words),)


def _no_reference(done: Conversion, given: Injection) -> tuple[Unknown, ...]:
    """Why a volume that is valid at the injection has no reference time that could be relied on.

    Where no time was told the scanner had one, and nothing speaks against it; a time that cannot be right may be the
    one to which it corrected.
    """
    if done.reference or done.unit != "Bq/mL":
        return ()
    return tuple(
        Unknown("decay_reference_time", why.code, why.reason, why.remedy)
        for why in given.unknown
        if why.quantity == "injection_time" and why.code not in NOT_TOLD
    )
