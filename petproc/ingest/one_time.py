"""Activity of a PET brought to one reference time, whatever its scanner did about decay.

* With DecayCorrection START or ADMIN the values are valid at the reference time, or at the injection, as they stand.
* Where DecayFactor tells that each bed was corrected to its own start, they are brought to that of the first bed.
* Without decay correction they are corrected here, slice by slice, to the start of the earliest slice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from petproc.core.errors import Finding, Refusal
from petproc.core.suv import decay_factor as fraction_left
from petproc.dicom.header import Header
from petproc.ingest.clock import Clock, is_ge
from petproc.ingest.corrections import decay_correction
from petproc.ingest.decay_check import bed_by_bed, check_decay_factors, check_frame_times, decay_factor_of, scaled
from petproc.ingest.dose import Injection
from petproc.ingest.reference_time import AGREE_S, Candidate, ReferenceTime, candidates, choose

SPAN_HALF_LIVES_MAX = 6.0
"""Slices acquired further apart than this are not decay-corrected to one time here."""


@dataclass(frozen=True)
class Conversion:
    """`value_factor[k]`: `unit` per rescaled pixel value of slice k."""

    unit: str
    suv_type: str | None
    value_factor: tuple[float, ...]
    reference: ReferenceTime | None
    derivations: tuple[tuple[str, float], ...] = ()
    """all ways to SUV by body weight that the headers tell, where there is more than one: name, SUV per pixel value"""
    findings: tuple[Finding, ...] = ()


def activity(first: Header, factor: tuple[float, ...], clock: Clock, given: Injection) -> Conversion:
    kind = decay_correction(first)
    if kind == "NONE":
        return _corrected_here(factor, clock, given.half_life_s)
    found = all_candidates(clock, given.half_life_s)
    if kind == "START" and bed_by_bed(clock.frames, given.half_life_s):
        return _joined(factor, clock, found, given.half_life_s)
    reference = _at_injection(found, given) if kind == "ADMIN" else choose(found, frame_start_vendor=is_ge(first))
    if reference is None:
        return Conversion("Bq/mL", None, factor, None)
    proven = any(one.admissible and one.source in ("decay_datetime", "decay_factor") for one in found)
    findings = (
        *reference.findings,
        *check_decay_factors(clock.frames, reference.time, given.half_life_s),
        *(() if proven else check_frame_times(clock.frames, given.half_life_s)),
        *_before_injection(reference, given),
    )
    return Conversion("Bq/mL", None, factor, reference, (), findings)


def _at_injection(found: tuple[Candidate, ...], given: Injection) -> ReferenceTime | None:
    """The tag's time of the injection; where that cannot be used, the time that the scanner corrected to by itself."""
    if given.time:
        rule = "injection (DecayCorrection ADMIN)"
        return ReferenceTime(given.time, rule, (Candidate("injection", given.time, True),))
    told = [one for one in found if one.admissible and one.source in ("decay_datetime", "decay_factor")]
    return ReferenceTime(told[0].time, f"{told[0].source} (DecayCorrection ADMIN)", tuple(told)) if told else None


def _before_injection(reference: ReferenceTime, given: Injection) -> tuple[Finding, ...]:
    if given.time is None or (given.time - reference.time).total_seconds() <= AGREE_S:
        return ()
    minutes = (given.time - reference.time).total_seconds() / 60.0
    words = (
        f"The PET is decay-corrected to {minutes:.0f} min before the injection by {reference.rule}: ask the site "
        "whether the time of injection is right."
    )
    return (Finding("reference-before-injection", words),)


def all_candidates(clock: Clock, half_life_s: float) -> tuple[Candidate, ...]:
    return candidates(
        clock.frames,
        half_life_s=half_life_s,
        series=clock.series,
        vendor=clock.vendor,
        decay_datetime=clock.decay_datetime,
    )


def _joined(factor: tuple[float, ...], clock: Clock, found: tuple[Candidate, ...], half_life_s: float) -> Conversion:
    """Beds that were each corrected to their own start, all brought to the first one's."""
    told = [one.source for one in found if one.admissible and one.source.startswith("frame_reference")]
    if told:
        raise Refusal(
            "reference-time-disagrees",
            "By DecayFactor (0054,1321) every bed of the PET was decay-corrected to its own start, by "
            "FrameReferenceTime (0054,1300) all of them to one time.",
            "Ask the site for the original series, not one that was rewritten by another system.",
        )
    _check_span(clock, half_life_s)
    joined = tuple(
        one / fraction_left((frame.acquired - clock.earliest).total_seconds(), half_life_s)
        for one, frame in zip(factor, clock.frames, strict=True)
    )
    rule = "earliest acquisition, to which every bed was brought here from its own start"
    candidates = tuple(replace(one, admissible=one.source == "earliest_acquisition") for one in found)
    words = (
        "By DecayFactor (0054,1321) every bed was decay-corrected to its own start, not to one time; all were brought "
        "to the start of the first."
    )
    reference = ReferenceTime(clock.earliest, rule, candidates)
    return Conversion("Bq/mL", None, joined, reference, (), (Finding("beds-corrected-separately", words),))


def _check_span(clock: Clock, half_life_s: float) -> None:
    if (clock.latest - clock.earliest).total_seconds() > SPAN_HALF_LIVES_MAX * half_life_s:
        raise Refusal(
            "acquisition-times-implausible",
            f"The slices of the PET span over {SPAN_HALF_LIVES_MAX:g} half-lives, not decay-corrected to one time.",
            "Ask the site for a series that is decay-corrected to the start of the scan.",
        )


def _corrected_here(factor: tuple[float, ...], clock: Clock, half_life_s: float) -> Conversion:
    if scaled(clock.frames):
        raise Refusal(
            "decay-correction-contradicted",
            "DecayCorrection (0054,1102) is NONE, but DecayFactor (0054,1321) says that the values were scaled.",
            "Ask the site whether the series is decay-corrected.",
        )
    _check_span(clock, half_life_s)
    corrected = tuple(
        one * decay_factor_of(frame, clock.earliest, half_life_s)
        for one, frame in zip(factor, clock.frames, strict=True)
    )
    start = Candidate("earliest_acquisition", clock.earliest, True)
    rule = "decay corrected here to the earliest acquisition (DecayCorrection NONE)"
    return Conversion("Bq/mL", None, corrected, ReferenceTime(clock.earliest, rule, (start,)))
