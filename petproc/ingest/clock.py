"""When the slices of a PET were acquired, and what else its headers date, on one clock.

Dates go missing or are moved by de-identification; only differences between times count here, so a clock without a date
is put on the day that its neighbours tell, with a finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from petproc.core.errors import Finding, Refusal
from petproc.dicom.header import Header
from petproc.dicom.moments import moment, moment_of, named_zone, near
from petproc.ingest.reference_time import Frame

FRAME_MAX_MS = 86_400_000.0
"""A frame that lasts or lies further away than a day is not believed."""
SPAN_MAX = timedelta(hours=12)
"""The slices of one scan are acquired within this time."""
NOMINAL_DAY = "20000101"
"""Stands in for the day of a scan whose headers tell none."""
MOVED = timedelta(days=2)
"""A date this far from the scan's is one that de-identification moved or forgot."""


@dataclass(frozen=True)
class Clock:
    """`frames[k]` of slice k; what the series as a whole says of the time to which it is decay-corrected."""

    frames: tuple[Frame, ...]
    series: datetime | None
    vendor: datetime | None
    """private tag in which GE and Siemens keep the start of the scan"""
    decay_datetime: datetime | None
    """DecayCorrectionDateTime (0018,9701) of enhanced PET"""
    findings: tuple[Finding, ...]

    @property
    def earliest(self) -> datetime:
        return min(frame.acquired for frame in self.frames)

    @property
    def latest(self) -> datetime:
        return max(frame.acquired for frame in self.frames)


def instant(header: Header, text: str | None) -> datetime | None:
    """The instant of a DT text on the clock of `header`."""
    return moment_of(text, named_zone(header.text("TimezoneOffsetFromUTC")))


def read_clock(headers: Sequence[Header]) -> Clock:
    """A `Refusal` where a slice has no time or no duration, or their times are not those of one scan."""
    acquired, findings = _acquired(headers)
    first, earliest = headers[0], min(acquired)
    if max(acquired) - earliest > SPAN_MAX:
        raise Refusal(
            "acquisition-times-implausible",
            f"AcquisitionDate (0008,0022) and AcquisitionTime (0008,0032) of the slices span "
            f"{(max(acquired) - earliest).total_seconds() / 3600:.1f} h; one scan does not take so long.",
            "Ask the site for the original series with dates and times.",
        )
    frames = tuple(_frame(header, time) for header, time in zip(headers, acquired, strict=True))
    series = first.moment("Series")
    if series is None:
        series = near(first.text("SeriesTime"), earliest.astimezone(first.zone))
    explicit = instant(first, first.text("DecayCorrectionDateTime"))
    return Clock(frames, series, _unmoved(_vendor(first), earliest), explicit, findings)


def is_ge(header: Header) -> bool:
    return (header.text("Manufacturer") or "").upper().startswith("GE")


def vendor_text(header: Header) -> tuple[str, str | None]:
    """Tag and text of the private element in which GE and Siemens keep the start of the scan.

    Some GE headers have lost the element that reserves the private block; the tag is then taken where GE writes it.
    """
    text = header.private(0x0009, "GEMS_PETD_01", 0x0D)
    if text is None and is_ge(header):
        text = header.orphan(0x0009, 0x0D)
    if text:
        return "(0009,xx0D)", text
    return "(0071,xx22)", header.private(0x0071, "SIEMENS MED PT", 0x22)


def _vendor(header: Header) -> datetime | None:
    return instant(header, vendor_text(header)[1])


def _unmoved(time: datetime | None, earliest: datetime) -> datetime | None:
    """On the scan's day where its date was moved, or was left while the others were moved."""
    if time is None or abs(time - earliest) < MOVED:
        return time
    return near(time.astimezone(earliest.tzinfo).strftime("%H%M%S.%f"), earliest)


def _frame(header: Header, acquired: datetime) -> Frame:
    duration_ms = header.number("ActualFrameDuration")
    if not duration_ms or not 0 < duration_ms <= FRAME_MAX_MS:
        raise _missing(header, "ActualFrameDuration (0018,1242)")
    reference_ms = header.number("FrameReferenceTime")
    return Frame(
        acquired,
        duration_ms / 1000.0,
        None if reference_ms is None or abs(reference_ms) > FRAME_MAX_MS else reference_ms / 1000.0,
        header.number("DecayFactor"),
    )


def _missing(header: Header, what: str) -> Refusal:
    return Refusal(
        "tag-missing",
        f"The PET slice with InstanceNumber {header.integer('InstanceNumber')} has no usable {what}.",
        "Ask the site for the original series.",
    )


def _acquired(headers: Sequence[Header]) -> tuple[list[datetime], tuple[Finding, ...]]:
    told = [header.moment("Acquisition") or instant(header, header.text("AcquisitionDateTime")) for header in headers]
    times = [time for time in told if time]
    if len(times) == len(headers):
        return times, ()
    for header, time in zip(headers, told, strict=True):
        if time is None and moment(NOMINAL_DAY, header.text("AcquisitionTime"), UTC) is None:
            raise _missing(header, "AcquisitionTime (0008,0032)")
    first = headers[0]
    anchor, source = (min(times), "the day of the other slices") if times else _anchor(first)
    if anchor is None:
        return _undated(headers)
    placed = [time or near(header.text("AcquisitionTime"), anchor) for header, time in zip(headers, told, strict=True)]
    words = (
        f"{len(headers) - len(times)} of {len(headers)} slices have no usable AcquisitionDate (0008,0022): their "
        f"AcquisitionTime is put on the day that {source} tells."
    )
    return [time for time in placed if time], (Finding("acquisition-date-missing", words),)


def _anchor(header: Header) -> tuple[datetime | None, str]:
    """A time near which the acquisition lies; a date alone stands for the noon of its day."""
    for name in ("Series", "Study", "Content"):
        if time := header.moment(name):
            return time, f"{name}Date"
    for name in ("Series", "Study", "Content"):
        if day := moment(header.text(f"{name}Date"), "120000", header.zone):
            return day, f"{name}Date"
    return None, ""


def _undated(headers: Sequence[Header]) -> tuple[list[datetime], tuple[Finding, ...]]:
    times = [moment(NOMINAL_DAY, header.text("AcquisitionTime"), header.zone) for header in headers]
    words = (
        "No date is left in the headers (AcquisitionDate (0008,0022), SeriesDate (0008,0021)): all times are taken as "
        "of one nominal day, 2000-01-01."
    )
    return [time for time in times if time], (Finding("dates-missing", words),)
