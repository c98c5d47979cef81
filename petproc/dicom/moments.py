"""DICOM dates and times (DA, TM, DT) as aware datetimes.

Where a delivery names no time zone, its clock is taken as UTC, which cancels in differences. The zone that a DT text
names behind its time counts only where the header names one for its other times too: otherwise it would move this time
against them. Text that is no date or time gives None: it is for the caller to say what cannot be measured without it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

YEARS = (1900, 2200)
"""A year outside is no date."""

_DATE = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
_TIME = re.compile(r"(\d{2})(?::?(\d{2}))?(?::?(\d{2}))?(?:\.(\d{1,6})\d*)?")
_ZONE = re.compile(r"([+-])(\d{2}):?(\d{2})")
_STAMP = re.compile(r"(\d{8})(\d{2,6}(?:\.\d+)?)([+-]\d{2}:?\d{2})?")
_HALF_DAY = timedelta(hours=12)


def named_zone(offset: str | None) -> tzinfo | None:
    """The zone of TimezoneOffsetFromUTC (0008,0201), such as `+0100` or `+01:00`; None where it names none."""
    found = _ZONE.fullmatch(offset or "")
    if not found or int(found[2]) > 14 or int(found[3]) > 59:
        return None
    shift = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-shift if found[1] == "-" else shift)


def zone_of(offset: str | None) -> tzinfo:
    """The zone in which the clock of a header is read: the named one, or UTC."""
    return named_zone(offset) or UTC


def moment(date: str | None, time: str | None, zone: tzinfo) -> datetime | None:
    """An instant from a DA and a TM text; both are needed."""
    day, clock = _DATE.fullmatch(date or ""), _TIME.fullmatch(time or "")
    if not day or not clock or not YEARS[0] <= int(day[1]) <= YEARS[1]:
        return None
    hour, minute, second = (int(clock[n] or 0) for n in (1, 2, 3))
    try:
        start = datetime(int(day[1]), int(day[2]), int(day[3]), hour, minute, min(second, 59), tzinfo=zone)
    except ValueError:
        return None
    leap = second - min(second, 59)
    return start + timedelta(seconds=leap, microseconds=int((clock[4] or "0").ljust(6, "0")))


def moment_of(text: str | None, zone: tzinfo | None) -> datetime | None:
    """An instant from a DT text, `20250101100000.000000+0100`, in a header whose named zone is `zone`."""
    found = _STAMP.fullmatch(text or "")
    if not found:
        return None
    return moment(found[1], found[2], UTC if zone is None else named_zone(found[3]) or zone)


def suffix_of(text: str | None) -> str | None:
    """The zone that a DT text names behind its time."""
    found = _STAMP.fullmatch(text or "")
    return found[3] if found else None


def near(clock: str | None, anchor: datetime) -> datetime | None:
    """The instant at which the clock showed the TM text `clock`, within half a day of `anchor` and in its zone."""
    at = moment(anchor.strftime("%Y%m%d"), clock, anchor.tzinfo or UTC)
    if at is None:
        return None
    if abs(at - anchor) <= _HALF_DAY:
        return at
    return at + timedelta(days=1 if at < anchor else -1)


def before(clock: str | None, end: datetime) -> datetime | None:
    """The last instant, not after `end` and in its zone, at which the clock showed the TM text `clock`."""
    at = moment(end.strftime("%Y%m%d"), clock, end.tzinfo or UTC)
    return at if at is None or at <= end else at - timedelta(days=1)
