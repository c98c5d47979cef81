"""Tables between the stages of an analysis: from the scans' voxel tables to the rows of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding
from petproc.core.tables import ChangeRow, ScanRow, SliceRow, UptakeRow
from petproc.io import read_json, read_rows, read_table, write_json, write_rows
from petproc.layout import scan_name
from petproc.workflow.handover.images import read_acquisition, read_overlays, require_ok

if TYPE_CHECKING:
    from petproc.compare import Compared
    from petproc.quantify import Quantified, ScanTables
    from petproc.report import Content

Record = Mapping[str, Any]


def included(rows: Sequence[ScanRow]) -> list[ScanRow]:
    return [row for row in rows if row.include == "yes"]


def scan_tables(
    files: SimpleNamespace, rows: Sequence[ScanRow], columns: Sequence[str]
) -> list[Callable[[], ScanTables]]:
    """One reader for every included scan: `files` has a list of paths per name, in the order of the scans."""
    paths = zip(included(rows), files.voxels, files.stations, files.sample, files.pet_sidecar, strict=True)
    return [_reader(*entry, columns=columns) for entry in paths]


def _reader(
    row: ScanRow, voxels: Path, stations: Path, sample: Path, sidecar: Path, *, columns: Sequence[str]
) -> Callable[[], ScanTables]:
    from petproc.quantify import ScanTables, station_columns, voxel_columns

    def read() -> ScanTables:
        content = read_json(sample)
        refused = content["refusal"]
        return ScanTables(
            participant=row.participant,
            session=row.session,
            voxels={} if refused else voxel_columns(read_table(voxels, columns)),
            stations={} if refused else station_columns(read_table(stations)),
            sample=content,
            acquisition=None if refused else read_acquisition(sidecar),
            refusal=refused,
        )

    return read


def write_quantified(
    files: SimpleNamespace, rows: Sequence[ScanRow], quantified: Sequence[Quantified], record: Record
) -> None:
    """Slices and metrics of all scans, those left out with their reason; findings by scan."""
    from petproc.quantify import excluded_rows

    uptake = [entry for scan in quantified for entry in scan.uptake] + excluded_rows(rows)
    write_rows(files.slices, [entry for scan in quantified for entry in scan.slices], SliceRow)
    write_rows(files.uptake, sorted(uptake, key=lambda entry: (entry.participant, entry.session)), UptakeRow)
    findings = {
        scan_name(row.participant, row.session): [finding.to_json() for finding in scan.findings]
        for row, scan in zip(included(rows), quantified, strict=True)
    }
    write_json(files.quantify, {**record, "scans": findings})


def read_quantified(files: SimpleNamespace) -> tuple[list[SliceRow], list[UptakeRow]]:
    require_ok(read_json(files.quantify))
    return read_rows(files.slices, SliceRow), read_rows(files.uptake, UptakeRow)


def read_acquisitions(sidecars: Sequence[Path], rows: Sequence[ScanRow]) -> dict[tuple[str, str], PetAcquisition]:
    """How each scan was acquired, by participant and session, of those that ingest did not refuse."""
    return {
        (row.participant, row.session): read_acquisition(path)
        for row, path in zip(included(rows), sidecars, strict=True)
        if read_json(path)["petproc"]["status"] == "ok"
    }


def write_compared(files: SimpleNamespace, compared: Compared, record: Record) -> None:
    """Change of all participants; index vessels and findings by participant."""
    write_rows(files.change, compared.change, ChangeRow)
    participants = {
        choice.participant: {
            "index": choice.to_json(),
            "findings": [finding.to_json() for finding in compared.findings.get(choice.participant, [])],
        }
        for choice in compared.index
    }
    write_json(files.compare, {**record, "participants": participants})


def read_content(files: SimpleNamespace, rows: Sequence[ScanRow]) -> Content:
    """All that a page shows: tables, what was noticed of each scan and participant, and overlays."""
    from petproc.report import Content

    slices, uptake = read_quantified(files)
    compared = read_json(files.compare)
    require_ok(compared)
    scans = [scan_name(row.participant, row.session) for row in included(rows)]
    findings = {name: _findings(entry) for name, entry in compared["participants"].items()}
    by_stage = zip(files.pet_sidecar, files.segmentation, files.alignment, files.sample, strict=True)
    quantified = read_json(files.quantify)["scans"]
    for scan, paths in zip(scans, by_stage, strict=True):
        noticed = [finding for path in paths for finding in _findings(read_json(path))]
        findings[scan] = noticed + [Finding.from_json(entry) for entry in quantified[scan]]
    return Content(
        change=read_rows(files.change, ChangeRow),
        uptake=uptake,
        slices=slices,
        scans=rows,
        findings={name: noticed for name, noticed in findings.items() if noticed},
        overlays={scan: read_overlays(path) for scan, path in zip(scans, files.overlays, strict=True)},
    )


def _findings(content: Record) -> list[Finding]:
    record = content.get("petproc", content)
    return [Finding.from_json(entry) for entry in (record if isinstance(record, dict) else content)["findings"]]
