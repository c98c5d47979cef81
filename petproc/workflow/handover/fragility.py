"""Tables of fragility: the scans' voxel tables with the depths of shifted vessels, and the table that it makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

from petproc.core.tables import ChangeRow, FragilityRow, ScanRow, UptakeRow
from petproc.io import read_json, read_rows, write_json, write_rows
from petproc.settings import Analysis
from petproc.workflow.handover.images import require_ok
from petproc.workflow.handover.tables import Record, Worksheet, included, scan_tables

if TYPE_CHECKING:
    from petproc.quantify import ScanTables


def movable_tables(
    files: SimpleNamespace, rows: Sequence[ScanRow], worksheet: Worksheet, analysis: Analysis
) -> dict[tuple[str, str], Callable[[], ScanTables]]:
    """A reader for every included scan, by participant and session; `files` as `scan_tables` has them."""
    from petproc.fragility import columns_needed

    readers = scan_tables(files, rows, worksheet, analysis, columns_needed())
    return {(row.participant, row.session): reader for row, reader in zip(included(rows), readers, strict=True)}


def read_measured(files: SimpleNamespace) -> tuple[list[UptakeRow], list[ChangeRow]]:
    for sidecar in (files.quantify, files.compare):
        require_ok(read_json(sidecar))
    return read_rows(files.uptake, UptakeRow), read_rows(files.change, ChangeRow)


def write_fragility(files: SimpleNamespace, rows: Sequence[FragilityRow], analysis: Analysis, record: Record) -> None:
    """The table, and what was moved."""
    from petproc.fragility import variants

    write_rows(files.fragility, rows, FragilityRow)
    write_json(files.fragility_sidecar, {**record, "variants": [one.words for one in variants(analysis.fragility)]})
