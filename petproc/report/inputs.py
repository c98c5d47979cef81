"""What SUV and quality depend on, scan by scan, with the source of every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from petproc.core.tables import InputRow, UptakeRow
from petproc.report.words import NOTHING, number

COLUMNS = (
    ("injected_activity_bq", "Dose, MBq", 1e-6, 1),
    ("injection_time", "Injected", 1.0, 0),
    ("weight_kg", "Weight, kg", 1.0, 1),
    ("height_m", "Height, cm", 100.0, 0),
    ("sex", "Sex", 1.0, 0),
    ("glucose_mmol_l", "Glucose, mmol/L", 1.0, 1),
    ("fasting_h", "Fasting, h", 1.0, 1),
)
"""Quantity, heading with the unit shown, factor to that unit, digits."""
UPTAKE_AFTER = "injection_time"
"""The uptake time follows from it and stands beside it."""


@dataclass(frozen=True)
class Cell:
    """A value as it is shown; `note` says what else there is to know of it."""

    text: str
    source: str
    note: str


@dataclass(frozen=True)
class ScanInputs:
    """The cells of one scan in the order of `COLUMNS`; `uptake` are minutes, from and to over its regions."""

    participant: str
    session: str
    cells: Sequence[Cell]
    uptake: str


def headings() -> list[tuple[str, bool]]:
    """Of each column, and whether the uptake time follows it."""
    return [(heading, name == UPTAKE_AFTER) for name, heading, _, _ in COLUMNS]


def scan_inputs(inputs: Sequence[InputRow], uptake: Sequence[UptakeRow]) -> list[ScanInputs]:
    """A row for every scan of `inputs`, in their order."""
    by_scan: dict[tuple[str, str], dict[str, InputRow]] = {}
    for row in inputs:
        by_scan.setdefault((row.participant, row.session), {})[row.quantity] = row
    times: dict[tuple[str, str], list[float]] = {}
    for line in uptake:
        if line.uptake_min is not None:
            times.setdefault((line.participant, line.session), []).append(line.uptake_min)
    return [
        ScanInputs(
            *key, [_cell(rows.get(name), scale, digits) for name, _, scale, digits in COLUMNS], _span(times.get(key))
        )
        for key, rows in by_scan.items()
    ]


def not_taken(inputs: Sequence[InputRow]) -> list[tuple[InputRow, str]]:
    """Values that were not taken and those with something to say, each with its quantity's heading."""
    names = {name: heading.partition(",")[0] for name, heading, _, _ in COLUMNS}
    return [
        (row, names.get(row.quantity, row.quantity)) for row in inputs if row.rejected or (row.reason and row.value)
    ]


def _cell(row: InputRow | None, scale: float, digits: int) -> Cell:
    if row is None or row.value is None:
        return Cell(NOTHING, "none", row.reason or "" if row else "")
    note = "; ".join(filter(None, (f"by the {row.source}", row.rejected and f"not taken: {row.rejected}", row.reason)))
    return Cell(_shown(row.value, scale, digits), row.source, note)


def _shown(value: str, scale: float, digits: int) -> str:
    """A number in the unit shown, the clock of a time, or the text itself."""
    try:
        return number(float(value) * scale, digits)
    except ValueError:
        pass
    try:
        return f"{datetime.fromisoformat(value):%H:%M}"
    except ValueError:
        return value


def _span(minutes: Sequence[float] | None) -> str:
    if not minutes:
        return NOTHING
    first, last = number(min(minutes), 0), number(max(minutes), 0)
    return first if first == last else f"{first}{NOTHING}{last}"
