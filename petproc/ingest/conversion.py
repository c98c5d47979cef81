"""From rescaled pixel values to the volume: Bq/mL at one reference time, or the delivered SUV where that is not known.

* Activity with DecayCorrection START or ADMIN is valid at the reference time, or at the injection, as it stands.
* Activity without decay correction is corrected here, slice by slice, to the start of the earliest slice.
* SUV is activity over dose per size: activity at the injection = SUV * dose / size, whatever the reference was. So it
  is turned back where dose, injection time and size are told; else it is carried, because a worksheet that tells them
  later cannot know with which values the SUV was made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from petproc.core.acquisition import Sex
from petproc.core.errors import Finding, Refusal
from petproc.core.suv import VARIANTS, body_size, decay_factor
from petproc.dicom.header import Header
from petproc.ingest.body import Body
from petproc.ingest.clock import Clock, is_ge
from petproc.ingest.corrections import decay_correction
from petproc.ingest.decay_check import check_decay_factors, decay_factor_of, scaled
from petproc.ingest.dose import Injection
from petproc.ingest.reference_time import AGREE_S, Candidate, ReferenceTime, candidates, choose
from petproc.ingest.units import Pixels

FACTORS_DIFFER = 0.02
"""The two factors of Philips may differ by this share of SUV."""
SPAN_HALF_LIVES_MAX = 6.0
"""Slices acquired further apart than this are not decay-corrected to one time."""


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


def convert(first: Header, pixels: Pixels, clock: Clock, given: Injection, person: Body) -> Conversion:
    """A `Refusal` where the values cannot be brought to one time."""
    if pixels.suv_type is None:
        return _activity(first, pixels.factor, clock, given)
    back = _turned_back(pixels, given, person)
    if back is None and pixels.activity_factor:
        done = _activity(first, pixels.activity_factor, clock, given)
        words = (
            "The Philips factor to SUV (7053,xx00) is not used: dose, injection time or weight is not told. The values "
            "are activity by the factor to Bq/mL (7053,xx09)."
        )
        finding = Finding("philips-suv-factor-not-used", words)
        return Conversion(done.unit, None, done.value_factor, done.reference, (), (*done.findings, finding))
    if back is None:
        return _carried(pixels)
    derivations, findings = _both_factors(first, pixels, clock, given, person)
    return Conversion("Bq/mL", pixels.suv_type, back[0], back[1], derivations, findings)


def _activity(first: Header, factor: tuple[float, ...], clock: Clock, given: Injection) -> Conversion:
    kind = decay_correction(first)
    if kind == "NONE":
        return _corrected_here(factor, clock, given.half_life_s)
    found = all_candidates(clock, given.half_life_s)
    reference = _at_injection(found, given) if kind == "ADMIN" else choose(found, frame_start_vendor=is_ge(first))
    if reference is None:
        return Conversion("Bq/mL", None, factor, None)
    findings = (
        *reference.findings,
        *check_decay_factors(clock.frames, reference.time, given.half_life_s),
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


def _corrected_here(factor: tuple[float, ...], clock: Clock, half_life_s: float) -> Conversion:
    if scaled(clock.frames):
        raise Refusal(
            "decay-correction-contradicted",
            "DecayCorrection (0054,1102) is NONE, but DecayFactor (0054,1321) says that the values were scaled.",
            "Ask the site whether the series is decay-corrected.",
        )
    if (clock.latest - clock.earliest).total_seconds() > SPAN_HALF_LIVES_MAX * half_life_s:
        raise Refusal(
            "acquisition-times-implausible",
            f"The slices of the PET without decay correction span more than {SPAN_HALF_LIVES_MAX:g} half-lives.",
            "Ask the site for the decay-corrected series.",
        )
    corrected = tuple(
        one * decay_factor_of(frame, clock.earliest, half_life_s)
        for one, frame in zip(factor, clock.frames, strict=True)
    )
    start = Candidate("earliest_acquisition", clock.earliest, True)
    rule = "decay corrected here to the earliest acquisition (DecayCorrection NONE)"
    return Conversion("Bq/mL", None, corrected, ReferenceTime(clock.earliest, rule, (start,)))


def _turned_back(pixels: Pixels, given: Injection, person: Body) -> tuple[tuple[float, ...], ReferenceTime] | None:
    """Bq/mL at the injection per pixel value; None where the headers do not tell all that the SUV was made with."""
    assert pixels.suv_type
    if not given.activity_bq or given.time is None:
        return None
    size = known_size(pixels.suv_type, person, sex=person.sex)
    if size is None or (person.sex is None and pixels.suv_type not in ("bw", "bsa")):
        return None
    start = Candidate("injection", given.time, True)
    rule = f"injection, to which SUV by {VARIANTS[pixels.suv_type].words} is turned back into activity"
    factor = tuple(one * given.activity_bq / size for one in pixels.factor)
    return factor, ReferenceTime(given.time, rule, (start,))


def known_size(variant: str, person: Body, *, sex: Sex | None) -> float | None:
    """g or cm2; None where weight or height are not told or give no size."""
    if any(getattr(person, name) is None for name in VARIANTS[variant].needs):
        return None
    try:
        return body_size(variant, weight_kg=person.weight_kg, height_m=person.height_m, sex=sex)
    except Refusal:
        return None


def _carried(pixels: Pixels) -> Conversion:
    assert pixels.suv_type
    of = VARIANTS[pixels.suv_type]
    words = (
        f"The PET was delivered as SUV by {of.words}, and the headers do not tell all of dose, injection time and size "
        "that it was made with: it is carried as it is. TBR and this SUV are possible, other SUVs are not."
    )
    return Conversion(of.unit, pixels.suv_type, pixels.factor, None, (), (Finding("suv-carried", words),))


def _both_factors(
    first: Header, pixels: Pixels, clock: Clock, given: Injection, person: Body
) -> tuple[tuple[tuple[str, float], ...], tuple[Finding, ...]]:
    """SUV of the lowest slice by Philips' factor to SUV, and by its factor to activity with dose and weight."""
    if not pixels.activity_factor:
        return (), ()
    by_suv = pixels.factor[0]
    try:
        done = _activity(first, pixels.activity_factor, clock, given)
    except Refusal as refusal:
        words = f"Philips' factor to Bq/mL (7053,xx09) could not be compared with that to SUV: {refusal.reason}"
        return (("philips_suv_factor", by_suv),), (Finding("philips-factors-not-compared", words),)
    assert done.reference and given.time and given.activity_bq
    dose_bq = given.activity_bq * decay_factor((done.reference.time - given.time).total_seconds(), given.half_life_s)
    by_activity = done.value_factor[0] * (known_size("bw", person, sex=None) or math.nan) / dose_bq
    both = (("philips_suv_factor", by_suv), ("philips_activity_factor", by_activity))
    if abs(by_activity / by_suv - 1.0) <= FACTORS_DIFFER:
        return both, ()
    words = (
        f"Philips' factors contradict each other by {by_activity / by_suv - 1.0:+.1%}: SUV {by_suv:.6g} per count by "
        f"(7053,xx00), which was taken, {by_activity:.6g} by (7053,xx09) with dose, times and weight of the headers. "
        "The weight or dose on the console may have been another: ask the site."
    )
    return both, (Finding("philips-factors-differ", words),)
