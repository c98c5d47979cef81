"""Measured against true: the change of the index vessel of every participant of a digital trial."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from petproc import layout
from petproc.compare import INDEX_VESSEL
from petproc.core.errors import Refusal
from petproc.core.tables import ChangeRow
from petproc.io import read_rows
from petproc.phantom.trial import INDEX_METRIC
from petproc.phantom.truth import TrueChangeRow

ANALYSIS = "primary"
Row = TypeVar("Row")


@dataclass(frozen=True)
class Checked:
    """Change of mean TBRmax of the index vessel, %; `measured` is None where there is none, and `reason` says why.
    `chosen` is the vessel that was hottest as measured, `index_vessel` that which is in truth."""

    participant: str
    index_vessel: str
    chosen: str | None
    true: float
    measured: float | None
    reason: str | None

    @property
    def difference(self) -> float | None:
        """Percentage points."""
        return None if self.measured is None else self.measured - self.true


def checked(study: Path, phantom: Path) -> list[Checked]:
    """A row per participant of the trial in `phantom`, as `study` measured them."""
    truth = _rows(phantom / "truth/change.tsv", TrueChangeRow)
    change = _rows(layout.path(layout.CHANGE, study, analysis=ANALYSIS), ChangeRow)
    rows = [row for row in change if row.metric == INDEX_METRIC and row.index_vessel]
    measured = {row.participant: row for row in rows if row.region == INDEX_VESSEL}
    chosen = {row.participant: row.region for row in rows if row.region != INDEX_VESSEL}
    return [
        _checked(row, measured.get(row.participant), chosen.get(row.participant)) for row in truth if row.index_vessel
    ]


def _rows(path: Path, kind: type[Row]) -> list[Row]:
    if not path.is_file():
        raise Refusal("nothing-to-check", f"{path} is not there.", "Make it with petproc phantom, or petproc run.")
    return read_rows(path, kind)


def _checked(true: TrueChangeRow, row: ChangeRow | None, chosen: str | None) -> Checked:
    reason = row.reason if row else "not in the change table"
    measured = row.percent_change if row else None
    return Checked(true.participant, true.region, chosen, true.percent_change, measured, reason)


def print_check(study: Path, phantom: Path, tolerance: float) -> bool:
    """Print measured against true change of every participant; whether all are within `tolerance` points.

    Where two vessels are about as hot another one than the true index vessel may be chosen: it is named, and judged by
    the same tolerance.
    """
    from rich.console import Console
    from rich.table import Table

    rows = checked(study, phantom)
    table = Table("participant", "index vessel", "true %", "measured %", "difference", "", box=None)
    for row in rows:
        vessel = row.index_vessel
        if row.chosen not in (None, row.index_vessel):
            vessel += f"\n[yellow]{row.chosen} as measured[/]"
        if row.measured is None or row.difference is None:
            table.add_row(row.participant, vessel, f"{row.true:+.1f}", "-", "-", f"[red]{row.reason}[/]")
            continue
        verdict = "[green]ok[/]" if abs(row.difference) <= tolerance else "[red]too far[/]"
        numbers = (f"{value:+.1f}" for value in (row.true, row.measured, row.difference))
        table.add_row(row.participant, vessel, *numbers, verdict)
    good = all(row.difference is not None and abs(row.difference) <= tolerance for row in rows)
    console = Console()
    console.print(f"Change of the index vessel's mean TBRmax (analysis {ANALYSIS}), tolerance {tolerance:g} points")
    console.print(table)
    console.print("All within tolerance." if good else "[red]Not all within tolerance.[/]")
    console.print(f"Page: {layout.path(layout.REPORT, study, analysis=ANALYSIS)}", soft_wrap=True, highlight=False)
    return good
