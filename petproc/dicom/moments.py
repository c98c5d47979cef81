"""DICOM dates and times (DA, TM, DT) as aware datetimes.

Where a delivery names no time zone, its clock is taken as UTC, which cancels in differences. Text that is no date or
time gives None: it is for the caller to say what cannot be measured without it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

YEARS = (1900, 2200)
"""A year outside is no date."""

_DATE = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
_TIME = re.compile(r"(\d{2})(?::?(\d{2}))?(?::?(\d{2}))?(?:\.(\d{1,6})\d*)?")
_ZONE = re.compile(r"([+-])(\d{2})(\d{2})")


def zone_of(offset: str | None) -> tzinfo:
    """The zone of TimezoneOffsetFromUTC (0008,0201), such as `+0100`; UTC where it is absent or malformed."""
    found = _ZONE.fullmatch(offset or "")
    if not found or int(found[2]) > 14 or int(found[3]) > 59:
        return UTC
    shift = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-shift if found[1] == "-" else shift)


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


def moment_of(text: str | None, zone: tzinfo) -> datetime | None:
    """An instant from a DT text, `20250101100000.000000+0100`; its own zone outranks `zone`."""
    found = re.fullmatch(r"(\d{8})(\d{2,6}(?:\.\d+)?)([+-]\d{4})?", text or "")
    if not found:
        return None
    return moment(found[1], found[2], zone_of(found[3]) if found[3] else zone)
