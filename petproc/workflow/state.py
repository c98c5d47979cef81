"""How a study stands: which scans are measured, which are not and why, and where the reports are."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from petproc import layout
from petproc.core.broken import make_anew
from petproc.core.tables import UptakeRow
from petproc.io import read_rows
from petproc.workflow.plan import Plan

if TYPE_CHECKING:
    from petproc.report import CompleteRow

LOGGER = logging.getLogger("petproc")
COLOURS = {"measured": "green", "refused": "yellow", "excluded": "dim"}


def require_complete(rows: Sequence[CompleteRow]) -> None:
    """End the process with status 1 while a scan is neither measured nor excluded with a reason; the log says which."""
    lacking = [row for row in rows if not row.complete]
    for row in lacking:
        scan = layout.scan_name(row.participant, row.session)
        LOGGER.error("%s (analysis %s) is not measured. %s %s", scan, row.analysis, row.reason, row.remedy)
    if lacking:
        raise SystemExit(1)


def study_state(study: Path) -> tuple[list[CompleteRow], list[str]]:
    """A row per scan and analysis; and the analyses whose tables are not there or older than their scans."""
    from petproc.report import completeness

    plan = Plan.read(study)
    current = {
        name: layout.path(layout.UPTAKE, study, analysis=name)
        for name in plan.settings.analyses
        if _is_current(plan, study, name)
    }
    tables = {name: read_rows(path, UptakeRow) for name, path in current.items()}
    return completeness(plan.scans, tables)[0], [name for name in plan.settings.analyses if name not in current]


def _is_current(plan: Plan, study: Path, name: str) -> bool:
    """Whether an analysis was made from the scans' tables as they are: a run that failed leaves those of an earlier."""
    made = layout.path(layout.UPTAKE, study, analysis=name)
    samples = [study / path for path in plan.per_backend(layout.SAMPLE, name)]
    if not all(path.is_file() for path in (made, *samples)):
        return False
    return all(path.stat().st_mtime <= made.stat().st_mtime for path in samples)


def _lacking(plan: Plan, study: Path, name: str) -> str:
    """Why an analysis is not up to date, and what to do: a table that was lost below it is not missed by a run."""
    gone = [path for path in plan.per_backend(layout.SAMPLE, name) if not (study / path).is_file()]
    if gone and layout.path(layout.REPORT, study, analysis=name).is_file():
        more = f" and {len(gone) - 1} more are" if gone[1:] else " is"
        return f"[yellow]Analysis {name}: {gone[0]}{more} not there.[/] {make_anew(*map(Path, gone))}"
    return f"[yellow]Analysis {name} is not made, or older than its scans.[/] Next: petproc run {study}"


def print_summary(study: Path) -> None:
    """A line per scan and analysis, and where the reports are."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    rows, lacking = study_state(study)
    console = Console()
    plan = Plan.read(study)
    for name in lacking:
        console.print(_lacking(plan, study, name), soft_wrap=True, highlight=False)
    for words in plan.said_exploratory():
        console.print(f"[magenta]{escape(words)}[/]", soft_wrap=True, highlight=False)
    if not rows:
        return
    table = Table("scan", "analysis", "status", "regions measured", box=None)
    for row in rows:
        status = f"[{COLOURS.get(row.status, 'default')}]{row.status}[/]"
        regions = f"{row.n_region_measured} of {row.n_region}" if row.n_region else ""
        table.add_row(layout.scan_name(row.participant, row.session), row.analysis, status, regions)
    console.print(table)
    for row in rows:
        if row.reason:
            scan = layout.scan_name(row.participant, row.session)
            words = escape(" ".join(filter(None, (row.reason, row.remedy))))
            console.print(f"[{COLOURS.get(row.status, 'default')}]{scan}[/] ({row.analysis}): {words}", soft_wrap=True)
    unmeasured = sum(not row.complete for row in rows)
    console.print(f"{unmeasured} not measured." if unmeasured else "Every scan is measured, or excluded with a reason.")
    for name in dict.fromkeys(row.analysis for row in rows):
        page = layout.path(layout.REPORT, study, analysis=name)
        if page.is_file():
            console.print(f"Report: {page}", soft_wrap=True, highlight=False)
