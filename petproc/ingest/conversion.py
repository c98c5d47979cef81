"""From rescaled pixel values to the volume: Bq/mL at one reference time, or the delivered SUV where that is not known.

SUV is activity over dose per size: activity at the injection = SUV * dose / size, whatever the reference was. So it is
turned back where dose, injection time and size are told; else it is carried, because a worksheet that tells them later
cannot know with which values the SUV was made.
"""

from __future__ import annotations

import math

from petproc.core.acquisition import Sex
from petproc.core.errors import Finding, Refusal
from petproc.core.suv import VARIANTS, body_size, decay_factor
from petproc.dicom.header import Header
from petproc.ingest.body import Body
from petproc.ingest.clock import Clock
from petproc.ingest.dose import Injection
from petproc.ingest.one_time import Conversion, activity
from petproc.ingest.reference_time import Candidate, ReferenceTime
from petproc.ingest.units import Pixels

FACTORS_DIFFER = 0.02
"""The two factors of Philips may differ by this share of SUV."""


def convert(first: Header, pixels: Pixels, clock: Clock, given: Injection, person: Body) -> Conversion:
    """A `Refusal` where the values cannot be brought to one time."""
    if pixels.suv_type is None:
        return activity(first, pixels.factor, clock, given)
    back = _turned_back(pixels, given, person)
    if back is None and pixels.activity_factor:
        done = activity(first, pixels.activity_factor, clock, given)
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
    """SUV by Philips' factor to SUV, and by its factor to activity with dose and weight, where they differ most."""
    if not pixels.activity_factor:
        return (), ()
    try:
        done = activity(first, pixels.activity_factor, clock, given)
    except Refusal as refusal:
        words = f"Philips' factor to Bq/mL (7053,xx09) could not be compared with that to SUV: {refusal.reason}"
        return (("philips_suv_factor", pixels.factor[0]),), (Finding("philips-factors-not-compared", words),)
    assert done.reference and given.time and given.activity_bq
    dose_bq = given.activity_bq * decay_factor((done.reference.time - given.time).total_seconds(), given.half_life_s)
    per_bq = (known_size("bw", person, sex=None) or math.nan) / dose_bq
    pairs = [(suv, per_bq * bq) for suv, bq in zip(pixels.factor, done.value_factor, strict=True)]
    by_suv, by_activity = max(pairs, key=lambda pair: abs(math.log(pair[1] / pair[0])))
    both = (("philips_suv_factor", by_suv), ("philips_activity_factor", by_activity))
    if abs(by_activity / by_suv - 1.0) <= FACTORS_DIFFER:
        return both, ()
    words = (
        f"Philips' factors contradict each other by {by_activity / by_suv - 1.0:+.1%}: SUV {by_suv:.6g} per count by "
        f"(7053,xx00), which was taken, {by_activity:.6g} by (7053,xx09) with dose, times and weight of the headers. "
        "The weight or dose on the console may have been another: ask the site."
    )
    return both, (Finding("philips-factors-differ", words),)
