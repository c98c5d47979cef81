"""Files of an earlier stage that are not as this version leaves them: they take their scan out, and no other.

A results folder may have been copied by half, or be of another version. Whoever reads a scan's tables gets a scan that
is refused, with the file's name and what to do, so that its rows say so and have no number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from petproc.core.broken import AGAIN, shown, unreadable
from petproc.core.errors import Refusal
from petproc.core.tables import ScanRow
from petproc.settings import RESULTS_VERSION

if TYPE_CHECKING:
    from petproc.quantify import ScanTables

BROKEN = ("result-missing", "result-unreadable", "table-columns", "tables-version")
"""Codes of such files."""


def readable(row: ScanRow, backend: str, read: Callable[[str], ScanTables]) -> ScanTables:
    """What `read` gives of `backend`; where a file of it is not whole the scan refused for that."""
    from petproc.quantify import ScanTables

    try:
        return read(backend)
    except Refusal as refusal:
        return ScanTables(row.participant, row.session, {}, {}, {"backend": backend}, None, refusal.to_json())


def require_version(content: Mapping[str, Any], sample: Path) -> None:
    """Refuse the tables of another version of `sample`, whose columns may mean something else."""
    if "refusal" not in content:
        raise unreadable(sample)
    made, ours = content.get("version", RESULTS_VERSION["sample"]), RESULTS_VERSION["sample"]
    if made != ours:
        raise Refusal(
            "tables-version",
            f"{shown(sample)} and its tables were made by version {made} of sample; this program reads version {ours}.",
            f"{AGAIN} {shown(sample)}",
        )
