"""What a cell of the site's worksheet may say, and the instant that a time in it means."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import datetime, time, timedelta

from petproc.core.errors import Refusal
from petproc.core.tables import WorksheetRow

LIMITS = {
    "dose_mbq": (1.0, 20000.0, "MBq"),
    "residual_mbq": (0.0, 20000.0, "MBq"),
    "weight_kg": (1.0, 500.0, "kg"),
    "height_cm": (30.0, 250.0, "cm"),
    "glucose_mmol_l": (1.0, 40.0, "mmol/L (mg/dL divided by 18)"),
    "fasting_h": (0.0, 72.0, "h"),
}
"""Outside lies no person and no injection, but another unit or a slip."""
SEXES = ("M", "F", "O")
TIMES = ("dose_time", "residual_time", "injection_time")
NAMES = ("participant", "session", "source")
SHOWN = 40
"""Characters of a wrong cell that a message repeats."""

Moment = datetime | time
"""A time with its date, or on a day that the scan tells."""

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")


def says_something(row: WorksheetRow) -> bool:
    return any(getattr(row, field.name) is not None for field in fields(row) if field.name not in NAMES)


def check(row: WorksheetRow) -> None:
    """A `Refusal` that names row, column, value and what is allowed, for the first cell that cannot be right."""
    for column, (low, high, unit) in LIMITS.items():
        value = getattr(row, column)
        if value is not None and not low <= value <= high:
            raise _refusal(row, column, f"{value:g}", f"from {low:g} to {high:g} {unit}")
    if row.sex is not None and row.sex not in SEXES:
        raise _refusal(row, "sex", row.sex, "M, F or O")
    for column in TIMES:
        text = getattr(row, column)
        if text is not None and _parsed(text) is None:
            raise _refusal(row, column, text, "HH:MM, HH:MM:SS or a date with time (2026-05-31T09:30)")
    for what in ("dose", "residual"):
        if getattr(row, f"{what}_time") is not None and getattr(row, f"{what}_mbq") is None:
            raise _refusal(row, f"{what}_time", getattr(row, f"{what}_time"), f"a time only with {what}_mbq")
    if row.dose_mbq is not None and row.residual_mbq is not None and row.residual_mbq >= row.dose_mbq:
        raise _refusal(row, "residual_mbq", f"{row.residual_mbq:g}", f"less than the dose of {row.dose_mbq:g} MBq")


def _refusal(row: WorksheetRow, column: str, value: str, allowed: str) -> Refusal:
    return Refusal(
        "worksheet-value",
        f"config/worksheet.tsv, participant {row.participant}, session {row.session}: {column} is "
        f"{value[:SHOWN]!r}; allowed is {allowed}.",
        "Correct the cell, or empty it.",
    )


def moment_of(text: str) -> Moment:
    """The time in a cell that `check` let pass."""
    found = _parsed(text)
    assert found is not None
    return found


def _parsed(text: str) -> Moment | None:
    text = text.strip()
    try:
        if clock := _CLOCK.fullmatch(text):
            hour, minute, second = (int(part or 0) for part in clock.groups())
            return time(hour, minute, second)
        return datetime.fromisoformat(text) if _DATED.fullmatch(text) else None
    except ValueError:
        return None


def place(moment: Moment, near: datetime, *, before: bool = False) -> datetime:
    """The instant that `moment` is on the clock of `near`: the day nearest to it, or the latest one not after it."""
    if isinstance(moment, datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=near.tzinfo)
    days = [datetime.combine(near.date() + timedelta(days=n), moment, near.tzinfo) for n in (-1, 0, 1)]
    if before:
        return max(day for day in days if day <= near)
    return min(days, key=lambda day: abs(day - near))
