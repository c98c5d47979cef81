"""How a study stands: which scans are measured, which are not and why, and where the reports are."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from petproc import layout
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


def study_state(study: Path) -> list[CompleteRow]:
    """A row per scan and analysis, of the analyses that have been made."""
    from petproc.report import completeness

    plan = Plan.read(study)
    tables = {name: layout.path(layout.UPTAKE, study, analysis=name) for name in plan.settings.analyses}
    made = {name: read_rows(path, UptakeRow) for name, path in tables.items() if path.is_file()}
    return completeness(plan.scans, made)[0]


def print_summary(study: Path) -> None:
    """A line per scan and analysis, and where the reports are."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    rows = study_state(study)
    console = Console()
    if not rows:
        console.print(f"Nothing has been measured yet. Next: petproc run {study}")
        return
    table = Table("scan", "analysis", "status", "regions", "what is not measured, and what to do", box=None)
    for row in rows:
        words = " ".join(part for part in (row.reason, row.remedy) if part)
        status = f"[{COLOURS.get(row.status, 'default')}]{row.status}[/]"
        regions = f"{row.n_region_measured} of {row.n_region}" if row.n_region else ""
        table.add_row(layout.scan_name(row.participant, row.session), row.analysis, status, regions, escape(words))
    console.print(table)
    lacking = sum(not row.complete for row in rows)
    console.print(f"{lacking} scans lack a measurement." if lacking else "Every scan is measured or excluded.")
    for name in dict.fromkeys(row.analysis for row in rows):
        page = layout.path(layout.REPORT, study, analysis=name)
        if page.is_file():
            console.print(f"Report: {page}", soft_wrap=True, highlight=False)
