"""What an inventory did, for a person to read: the scans it proposes, and what the site has to be asked."""

from __future__ import annotations

import re
from collections import Counter

from rich.console import Console, Group, RenderableType
from rich.table import Table

from petproc import layout
from petproc.core.tables import ScanRow
from petproc.ingest.inventory import InventoryReport
from petproc.ingest.queries import FindingRow

QUERIES_SHOWN = 10
WIDTH = 120
"""Where there is no terminal to fit into."""
_UID = re.compile(r"[0-9.]+")


def print_summary(report: InventoryReport) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(summary(report))


def summary(report: InventoryReport) -> RenderableType:
    """A table of the scans that were added, and the queries that wait for an answer."""
    counts = (
        f"{report.files} files, {report.series} new series; {_many(len(report.added), 'scan')} added to "
        f"{layout.SCANS}, {report.kept} were there and are unchanged."
    )
    parts: list[RenderableType] = [counts]
    if report.added:
        parts.append(_scans(report.added))
    parts.append(_queries(report.open, len(report.closed)))
    return Group(*parts)


def _scans(rows: tuple[ScanRow, ...]) -> Table:
    table = Table(title="Proposed scans", title_justify="left", expand=False)
    for name in ("scan", "include", "PET", "CT"):
        table.add_column(name, overflow="fold", no_wrap=name in ("scan", "include"))
    for row in rows:
        pet, _, ct = row.reason.partition(". CT: ")
        style = None if row.include == "yes" else "yellow"
        scan = layout.scan_name(row.participant, row.session)
        table.add_row(scan, row.include, pet.replace("PET: ", "", 1), ct, style=style)
    return table


def _queries(waiting: tuple[FindingRow, ...], closed: int) -> RenderableType:
    answered = f" {_many(closed, 'finding')} closed." if closed else ""
    if not waiting:
        return f"No query to the site is open.{answered}"
    refused = sum(row.severity == "refusal" for row in waiting)
    stop = f", {refused} of which keep a scan from being measured" if refused else ""
    table = Table(
        title=f"{_many(len(waiting), 'open query', 'open queries')} in {layout.FINDINGS}{stop}.{answered}",
        title_justify="left",
        show_header=False,
        box=None,
        padding=(0, 2, 0, 0),
    )
    for (code, severity), count in Counter((row.code, row.severity) for row in waiting).most_common(QUERIES_SHOWN):
        scans = sorted({_subject(row) for row in waiting if row.code == code})
        more = f" and {len(scans) - 2} more" if len(scans) > 2 else ""
        table.add_row(str(count), severity, code, ", ".join(scans[:2]) + more)
    return table


def _subject(row: FindingRow) -> str:
    """Scan or series; of a file only the table in config says which: what is printed is copied into mails."""
    if row.scan != "n/a":
        return row.scan
    return row.subject if _UID.fullmatch(row.subject) else "files of the delivery"


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"
