"""At which time are the Bq/mL of a decay-corrected PET valid?

DecayCorrection START says "the start of the acquisition", but no tag holds that time safely: SeriesTime is rewritten
by post-processing, private tags are stripped, FrameReferenceTime means the mean count time with some vendors and the
start of the frame with others (GE). So every place that can tell is asked, and what they say is compared.

* A time later than the earliest acquisition, or half a day before it, cannot be it.
* `decay_datetime`: DecayCorrectionDateTime (0018,9701) of enhanced PET says it outright and is believed.
* `decay_factor`: DecayFactor (0054,1321) = lambda T / (1 - exp(-lambda T)) * exp(lambda (t_acq - t_ref)) was really
  multiplied into the pixels and therefore decides, unless two other sources contradict it together.
  Where it says that every bed was corrected to its own start, `one_time` brings the beds to one time.
* `vendor` (GE (0009,100D), Siemens (0071,1022)), `series` and `frame_reference` must otherwise agree within 60 s, or
  two of them outvote the third. One against one is refused.
* `frame_reference` is read as mean count time, t_acq + T_ave - FrameReferenceTime, as the standard says, and as frame
  start, t_acq - FrameReferenceTime; it supports another source with either reading.

Sources: QIBA SUV pseudocode; OncoRay SUV manual (Vacha et al. 2026); FrameReferenceTime of GE and DecayFactor: read
in real headers.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from petproc.core.errors import Finding, Refusal

AGREE_S = 60.0
"""Sources further apart than this disagree: 0.63 % of SUV for F-18."""
NOTICE_S = 10.0
"""Sources further apart than this, but within AGREE_S, are a finding: 0.1 % of SUV for F-18."""
ROUNDING_S = 2.0
"""A source may be this much later than the earliest acquisition: times are cut to whole seconds in many headers."""
BEFORE_MAX_S = 12 * 3600.0
"""A time further before the earliest acquisition is a date that was moved."""
BEFORE_MAX_HALF_LIVES = 60.0
"""Nor can it be so many half-lives before: of short-lived nuclides nothing would be left."""
HALF_LIVES_MAX = 6.0
"""DecayCorrectionDateTime may be the injection, this many half-lives before the scan."""
STATED = ("decay_datetime", "vendor", "series")
"""Sources that state a time, so that it is worth a word where it cannot be the reference."""
CONSISTENT_SHARE = 0.9
"""So many slices must tell the same time (seam slices of overlapping beds carry the factor of the next bed)."""
DECIMALS_MIN = 4
"""DecayFactor printed with fewer decimals tells the time no better than within 10 s."""


@dataclass(frozen=True)
class Frame:
    """What one slice says about its time; seconds, None where the tag is absent."""

    acquired: datetime
    duration_s: float
    frame_reference_s: float | None
    decay_factor: float | None


@dataclass(frozen=True)
class Candidate:
    source: str
    time: datetime
    admissible: bool
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"source": self.source, "time": self.time.isoformat(), "admissible": self.admissible, "note": self.note}


@dataclass(frozen=True)
class ReferenceTime:
    time: datetime
    rule: str
    candidates: tuple[Candidate, ...]
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "chosen": self.time.isoformat(),
            "rule": self.rule,
            "candidates": [candidate.to_json() for candidate in self.candidates],
        }


def mean_count_s(duration_s: float, decay_per_s: float) -> float:
    """Seconds from the start of a frame to the instant at which the activity equals its mean over the frame."""
    exponent = decay_per_s * duration_s
    return math.log(exponent / -math.expm1(-exponent)) / decay_per_s if exponent > 0 else 0.0


def candidates(
    frames: Sequence[Frame],
    *,
    half_life_s: float,
    series: datetime | None,
    vendor: datetime | None,
    decay_datetime: datetime | None = None,
) -> tuple[Candidate, ...]:
    """Every time that could be the decay reference, whether or not it is admissible, in order of preference."""
    earliest = min(frame.acquired for frame in frames)
    stated = {"decay_datetime": decay_datetime, "vendor": vendor, "series": series}
    found = [Candidate(source, time, True) for source, time in stated.items() if time]
    for source, times in _derived(frames, math.log(2.0) / half_life_s).items():
        if times:
            found.append(_consistent(source, times, len(frames)))
    possible = [_possible(candidate, earliest, half_life_s) for candidate in found]
    return (*possible, Candidate("earliest_acquisition", earliest, False, "a bound, not a source"))


def _possible(candidate: Candidate, earliest: datetime, half_life_s: float) -> Candidate:
    """The candidate, inadmissible where its time cannot be that of a decay correction."""
    ahead_s = (earliest - candidate.time).total_seconds()
    explicit = candidate.source == "decay_datetime"
    before_max_s = min(BEFORE_MAX_S, BEFORE_MAX_HALF_LIVES * half_life_s)
    if explicit:
        before_max_s = max(before_max_s, HALF_LIVES_MAX * half_life_s)
    if ahead_s < -ROUNDING_S:
        return replace(candidate, admissible=False, note="later than the earliest acquisition")
    if ahead_s > before_max_s:
        return replace(candidate, admissible=False, note=f"more than {before_max_s / 3600:.3g} h before the scan")
    return candidate


def _derived(frames: Sequence[Frame], decay: float) -> dict[str, list[datetime]]:
    told = [frame for frame in frames if frame.frame_reference_s is not None]
    back = [(frame.acquired - timedelta(seconds=frame.frame_reference_s or 0.0), frame.duration_s) for frame in told]
    printed = [frame for frame in frames if frame.decay_factor and frame.decay_factor > 0]
    if decimals(frame.decay_factor for frame in printed) < DECIMALS_MIN:
        printed = []
    return {
        "frame_reference_mean": [start + timedelta(seconds=mean_count_s(length, decay)) for start, length in back],
        "frame_reference_start": [start for start, _ in back],
        "decay_factor": [
            frame.acquired
            + timedelta(seconds=mean_count_s(frame.duration_s, decay) - math.log(frame.decay_factor or 1.0) / decay)
            for frame in printed
        ],
    }


def decimals(values: Iterable[float | None]) -> int:
    """With how many decimals numbers were printed, told by those that do not end in 0."""
    return max((len(repr(value).partition(".")[2]) for value in values), default=0)


def _consistent(source: str, times: Sequence[datetime], count: int) -> Candidate:
    """The median over slices, admissible where nearly all slices tell the same time."""
    start = min(times)
    median = start + timedelta(seconds=statistics.median((time - start).total_seconds() for time in times))
    near = sum(abs((time - median).total_seconds()) <= NOTICE_S for time in times)
    if near < CONSISTENT_SHARE * count:
        return Candidate(source, median, False, f"only {near} of {count} slices agree on it")
    return Candidate(source, median, True, "" if near == count else f"{near} of {count} slices agree on it")


def choose(found: Sequence[Candidate], *, frame_start_vendor: bool) -> ReferenceTime:
    """The decay reference time by the rules above; `Refusal` where the sources disagree or there is none.

    `frame_start_vendor`: whether the maker of the scanner is known to write the frame's start into FrameReferenceTime.
    """
    by_source = {candidate.source: candidate for candidate in found if candidate.admissible}
    if explicit := by_source.get("decay_datetime"):
        return _settled(explicit, "decay_datetime", tuple(found))
    back = [by_source[name] for name in ("frame_reference_mean", "frame_reference_start") if name in by_source]
    stated = [by_source[name] for name in ("vendor", "series") if name in by_source]
    decisive = by_source.get("decay_factor")
    if decisive:
        return _by_decay_factor(decisive, stated, back, tuple(found))
    if not stated:
        return _by_frame_reference(back, tuple(found), frame_start_vendor)
    votes = [_votes(candidate, stated, back) for candidate in stated]
    sources = len(stated) + bool(back)
    best = votes.index(max(votes))
    if votes[best] < sources and votes[best] < 2:
        raise _disagreement(found)
    return _settled(stated[best], f"{stated[best].source}, with {votes[best]} of {sources} sources", tuple(found))


def _by_decay_factor(
    decisive: Candidate, stated: Sequence[Candidate], back: Sequence[Candidate], found: tuple[Candidate, ...]
) -> ReferenceTime:
    near = [other for other in (*stated, *back) if _apart(decisive, other) <= NOTICE_S]
    if near:
        nearest = min(near, key=lambda other: _apart(decisive, other))
        return _settled(nearest, f"{nearest.source}, confirmed by decay_factor", found)
    against = max((_votes(other, stated, back) for other in stated), default=0)
    if against >= 2 and not any(_apart(decisive, other) <= AGREE_S for other in stated):
        raise _disagreement(found)
    return _settled(decisive, "decay_factor", found)


def _by_frame_reference(
    back: Sequence[Candidate], found: tuple[Candidate, ...], frame_start_vendor: bool
) -> ReferenceTime:
    if not back:
        raise Refusal(
            "reference-time-unknown",
            "Nothing in the headers tells to which time the PET is decay-corrected.",
            "Ask the site for the original series with SeriesTime and FrameReferenceTime.",
        )
    if len(back) == 2 and frame_start_vendor and _apart(*back) > AGREE_S:
        raise _disagreement(found)
    return _settled(back[0], f"{back[0].source} alone", found)


def _votes(candidate: Candidate, stated: Sequence[Candidate], back: Sequence[Candidate]) -> int:
    """How many sources, itself included, tell this time; FrameReferenceTime is one source with two readings."""
    return sum(_apart(candidate, other) <= AGREE_S for other in stated) + any(
        _apart(candidate, other) <= AGREE_S for other in back
    )


def _apart(one: Candidate, other: Candidate) -> float:
    return abs((one.time - other.time).total_seconds())


def _settled(chosen: Candidate, rule: str, found: tuple[Candidate, ...]) -> ReferenceTime:
    """With a finding for each source whose nearest reading is more than NOTICE_S away."""
    nearest: dict[str, float] = {}
    for other in found:
        if other.source != "earliest_acquisition" and (other.admissible or other.source in STATED):
            source = other.source.removesuffix("_mean").removesuffix("_start")
            nearest[source] = min(_apart(chosen, other), nearest.get(source, math.inf))
    far = {source: seconds for source, seconds in nearest.items() if seconds > NOTICE_S}
    if not far:
        return ReferenceTime(chosen.time, rule, found)
    words = ", ".join(f"{source} by {seconds:.0f} s" for source, seconds in sorted(far.items()))
    message = f"The PET is decay-corrected to {chosen.time.isoformat()} by {rule}; other sources differ: {words}."
    return ReferenceTime(chosen.time, rule, found, (Finding("reference-time-sources-differ", message),))


def _disagreement(found: Sequence[Candidate]) -> Refusal:
    words = ", ".join(f"{candidate.source} {candidate.time.isoformat()}" for candidate in found if candidate.admissible)
    return Refusal(
        "reference-time-disagrees",
        f"The headers contradict each other about the time to which the PET is decay-corrected: {words}.",
        "Ask the site for the original series, not one that was rewritten by another system.",
    )
