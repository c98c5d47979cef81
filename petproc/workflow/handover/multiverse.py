"""Tables of a multiverse: from the scans' voxel tables to its combinations' results, their figure and page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from petproc.core.tables import ScanRow
from petproc.io import write_cells, write_json, write_rows
from petproc.workflow.handover.tables import Record, Worksheet, included, read_scan
from petproc.workflow.plan import backends_of

if TYPE_CHECKING:
    from petproc.multiverse import Answer, Specification
    from petproc.quantify import ScanTables


def tables_by_backend(
    files: SimpleNamespace, rows: Sequence[ScanRow], worksheet: Worksheet, specifications: Sequence[Specification]
) -> dict[tuple[str, str], Callable[[], Mapping[str, ScanTables]]]:
    """A reader for every included scan: `files` has a list of paths per name, of what a backend makes all scans of the
    first backend, then all of the next, in the order of `backends_of`."""
    scans, analyses = included(rows), [one.analysis for one in specifications]
    backends = backends_of(analyses)
    coverages = sorted({analysis.quantify.coverage for analysis in analyses})
    made = list(zip(files.voxels, files.stations, files.sample, strict=True))

    def reader(n: int, row: ScanRow) -> Callable[[], Mapping[str, ScanTables]]:
        by_backend = dict(zip(backends, made[n :: len(scans)], strict=True))
        entered = worksheet.get((row.participant, row.session))
        return lambda: read_scan(row, entered, (files.pet_sidecar[n], by_backend), coverages)

    return {(row.participant, row.session): reader(n, row) for n, row in enumerate(scans)}


def write_multiverse(
    files: SimpleNamespace,
    name: str,
    specifications: Sequence[Specification],
    answers: Sequence[Answer],
    record: Record,
) -> None:
    """One row per combination with its settings, one per participant and combination, the curve, and what they say."""
    from petproc.multiverse import SPECIFICATION_COLUMNS, Answer, outcomes, summary
    from petproc.multiverse.figure import curve
    from petproc.multiverse.page import in_words, page

    found = outcomes(specifications, answers)
    said = summary(specifications, found)
    figure = curve(specifications, found, said)
    rows = [
        (one.number, *map(_plain, one.values.values()), *astuple(row)[1:])
        for one, row in zip(specifications, found, strict=True)
    ]
    write_cells(files.specifications, ["specification", *specifications[0].values, *SPECIFICATION_COLUMNS], rows)
    write_rows(files.changes, answers, Answer)
    files.curve.write_bytes(figure)
    rows_json: list[dict[str, Any]] = [
        {"values": dict(one.values), **asdict(row)} for one, row in zip(specifications, found, strict=True)
    ]
    write_json(files.multiverse, {**record, "summary": said, "words": in_words(said), "combinations": rows_json})
    files.page.write_text(page(name, specifications, found, said, figure), encoding="utf-8")


def _plain(value: Any) -> Any:
    """A value of a setting as a cell: a list with commas."""
    return ", ".join(map(str, value)) if isinstance(value, list) else value
