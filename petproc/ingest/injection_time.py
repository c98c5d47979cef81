"""When the tracer was injected, from a PET header; None, and why, where the delivery does not say or cannot be right.

RadiopharmaceuticalStartDateTime (0018,1078), else RadiopharmaceuticalStartTime (0018,1072) on the day of the scan or,
where that is after it, on the day before. De-identification moves dates and often forgets one of them: a date two days
or more from the scan's is replaced by the scan's, never one of the neighbouring days, where it may be the day or the
clock that is wrong. Of a nuclide that lives longer than a few hours a clock alone tells no day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from petproc.core.acquisition import Unknown
from petproc.core.errors import Finding
from petproc.dicom.header import Header
from petproc.dicom.moments import before, named_zone, suffix_of
from petproc.ingest.clock import instant

TOLERANCE_S = 10.0
"""RadiopharmaceuticalStartDateTime and ...StartTime may differ by this much."""
HALF_LIVES_MAX = 6.0
"""An injection longer ago than this is a wrong date, not a scan: 1.6 % of the dose would be left."""
WAIT_MIN_S = 1.0
"""The tracer is injected before the scan, not at its very second."""
CLOCK_HALF_LIFE_MAX_S = 4 * 3600.0
"""Up to this half-life the scan is within a day of the injection, so that the clock tells the day."""
DAYS_REPLACED = 2

_REMEDY = "Enter injection_time of the scan in config/worksheet.tsv."


@dataclass(frozen=True)
class InjectionTime:
    """`time` or the reason for which there is none."""

    time: datetime | None
    unknown: tuple[Unknown, ...] = ()
    findings: tuple[Finding, ...] = ()


def injection_time(header: Header, item: Header, *, until: datetime, half_life_s: float) -> InjectionTime:
    """`item`: of the RadiopharmaceuticalInformationSequence; `until`: the acquisition that must come after it."""
    day = until.astimezone(header.zone)
    dated = instant(header, item.text("RadiopharmaceuticalStartDateTime"))
    clock = before(item.text("RadiopharmaceuticalStartTime"), day)
    if dated and clock and _clock_apart_s(dated, clock) > TOLERANCE_S:
        reason = (
            "RadiopharmaceuticalStartDateTime (0018,1078) and RadiopharmaceuticalStartTime (0018,1072) contradict each "
            f"other: {_clock(dated, day)} and {_clock(clock, day)}."
        )
        return _unknown(Unknown("injection_time", "injection-time-disagrees", reason, _REMEDY))
    if dated:
        suffix = () if clock else _suffix(header, item)
        return _dated(dated, day, half_life_s=half_life_s, findings=suffix)
    if clock is None:
        reason = (
            "RadiopharmaceuticalStartDateTime (0018,1078) and RadiopharmaceuticalStartTime (0018,1072) are missing or "
            "no times."
        )
        return _unknown(Unknown("injection_time", "injection-time-missing", reason, _REMEDY))
    if half_life_s > CLOCK_HALF_LIFE_MAX_S:
        reason = (
            "RadiopharmaceuticalStartTime (0018,1072) tells no day, and with a half-life of "
            f"{half_life_s / 3600:.1f} h it may be any."
        )
        return _unknown(Unknown("injection_time", "injection-date-missing", reason, _REMEDY))
    if _plausible(clock, day, half_life_s):
        return InjectionTime(clock)
    return _implausible(clock, day)


def _dated(dated: datetime, day: datetime, *, half_life_s: float, findings: tuple[Finding, ...]) -> InjectionTime:
    if _plausible(dated, day, half_life_s):
        return InjectionTime(dated, (), findings)
    local = dated.astimezone(day.tzinfo)
    days = abs((day.date() - local.date()).days)
    moved = before(local.strftime("%H%M%S.%f"), day)
    if days < DAYS_REPLACED or half_life_s > CLOCK_HALF_LIFE_MAX_S or not moved:
        return _implausible(dated, day)
    if not _plausible(moved, day, half_life_s):
        return _implausible(dated, day)
    words = (
        f"RadiopharmaceuticalStartDateTime (0018,1078) is {days} days from the scan, as de-identification leaves it; "
        f"its clock was taken on the scan's day: injected {(day - moved).total_seconds() / 60:.0f} min before the scan."
    )
    return InjectionTime(moved, (), (*findings, Finding("injection-date-replaced", words)))


def _plausible(time: datetime, until: datetime, half_life_s: float) -> bool:
    """`until` is in the zone of the header's clock. Midnight and the scan's own time stand where times were blanked."""
    waited_s = (until - time).total_seconds()
    midnight = not any(time.astimezone(until.tzinfo).timetuple()[3:6])
    return WAIT_MIN_S <= waited_s <= (1.0 if midnight else HALF_LIVES_MAX) * half_life_s


def _implausible(time: datetime, until: datetime) -> InjectionTime:
    minutes = (until - time).total_seconds() / 60
    reason = (
        "By RadiopharmaceuticalStartDateTime (0018,1078) or RadiopharmaceuticalStartTime (0018,1072) the PET was "
        f"acquired {minutes:.0f} min after the injection, which cannot be."
    )
    return _unknown(Unknown("injection_time", "injection-time-implausible", reason, _REMEDY))


def _unknown(why: Unknown) -> InjectionTime:
    finding = Finding(why.code, f"{why.reason} No SUV and no uptake time; TBR is still possible.")
    return InjectionTime(None, (why,), (finding,))


def _suffix(header: Header, item: Header) -> tuple[Finding, ...]:
    """A zone behind the time, in a header that names none for its other times and has no second word on the clock."""
    suffix = suffix_of(item.text("RadiopharmaceuticalStartDateTime"))
    if suffix is None or named_zone(header.text("TimezoneOffsetFromUTC")):
        return ()
    words = (
        f"RadiopharmaceuticalStartDateTime (0018,1078) names the zone {suffix}, while TimezoneOffsetFromUTC "
        "(0008,0201) is missing: its clock is taken to be that of the other times."
    )
    return (Finding("time-zone-not-used", words),)


def _clock_apart_s(one: datetime, other: datetime) -> float:
    apart = abs((one - other).total_seconds()) % 86400.0
    return min(apart, 86400.0 - apart)


def _clock(time: datetime, day: datetime) -> str:
    return f"{time.astimezone(day.tzinfo):%H:%M:%S}"
