"""Tables between the stages of an analysis: from the scans' voxel tables to the rows of a study."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from petproc import layout
from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding, Refusal
from petproc.core.tables import ChangeRow, FragilityRow, InputRow, ScanRow, SliceRow, UptakeRow, VesselRow, WorksheetRow
from petproc.core.worksheet import Applied, apply
from petproc.io import each_row, read_json, read_rows, read_table, rows_into, write_json
from petproc.layout import scan_name
from petproc.settings import Analysis
from petproc.workflow.handover.broken import readable, require_version
from petproc.workflow.handover.images import read_overlays, require_ok

if TYPE_CHECKING:
    from petproc.compare import Compared
    from petproc.quantify import Quantified, ScanTables
    from petproc.report import Content

Record = Mapping[str, Any]
Worksheet = Mapping[tuple[str, str], WorksheetRow]
"""Rows by participant and session."""


def included(rows: Sequence[ScanRow]) -> list[ScanRow]:
    return [row for row in rows if row.include == "yes"]


def scan_tables(
    files: SimpleNamespace,
    rows: Sequence[ScanRow],
    worksheet: Worksheet,
    analysis: Analysis,
    further: Sequence[str] = (),
) -> list[Callable[[], ScanTables]]:
    """One reader for every included scan: `files` has a list of paths per name, in the order of the scans; of what a
    backend makes, all scans of the first backend of `analysis`, then all of the next. `further` are columns of the
    voxel table beside those that quantification needs."""
    scans = included(rows)
    made = list(zip(files.voxels, files.stations, files.sample, strict=True))
    by_backend = [dict(zip(analysis.backends, made[n :: len(scans)], strict=True)) for n in range(len(scans))]
    return [
        _reader(row, worksheet.get((row.participant, row.session)), (sidecar, of_scan), analysis, further)
        for row, sidecar, of_scan in zip(scans, files.pet_sidecar, by_backend, strict=True)
    ]


def _reader(
    row: ScanRow,
    entered: WorksheetRow | None,
    files: tuple[Path, Mapping[str, Sequence[Path]]],
    analysis: Analysis,
    further: Sequence[str],
) -> Callable[[], ScanTables]:
    from petproc.quantify import for_backends

    coverages = [analysis.quantify.coverage]
    return lambda: for_backends(read_scan(row, entered, files, coverages, further), analysis)


def read_scan(
    row: ScanRow,
    entered: WorksheetRow | None,
    files: tuple[Path, Mapping[str, Sequence[Path]]],
    coverages: Sequence[str],
    further: Sequence[str] = (),
) -> dict[str, ScanTables]:
    """A scan's tables by backend, with the columns that these depth quantiles need, and `further` ones; `files` are the
    PET's sidecar and, by backend, the voxels, stations and sidecar that `sample` made."""
    from petproc.quantify import columns_read

    sidecar, made = files
    columns = [*columns_read(*coverages), *further]

    def of(backend: str) -> ScanTables:
        known = _acquisition(sidecar)
        return replace(_tables_of(row, backend, made[backend], columns), acquisition=known, worksheet=entered)

    return {backend: readable(row, backend, of) for backend in made}


def _tables_of(row: ScanRow, backend: str, paths: Sequence[Path], columns: Sequence[str]) -> ScanTables:
    from petproc.quantify import ScanTables, station_columns, stations_read, voxel_columns

    voxels, stations, sample = paths
    content = read_json(sample)
    require_version(content, sample)
    refused, edited = content["refusal"], layout.edited(backend)
    return ScanTables(
        participant=row.participant,
        session=row.session,
        voxels={} if refused else voxel_columns(read_table(voxels, columns, coded=["region"])),
        stations={} if refused else station_columns(read_table(stations, stations_read())),
        sample={**content, "backend": edited if content.get("backend") == edited else backend},
        acquisition=None,
        refusal=refused,
    )


OVERVIEW = "overview"
QUANTIFIED = {"slices": SliceRow, "uptake": UptakeRow, "vessels": VesselRow, "inputs": InputRow}


def write_quantified(
    files: SimpleNamespace, rows: Sequence[ScanRow], quantified: Iterable[Quantified], record: Record
) -> None:
    """Slices, metrics, vessels and inputs of all scans, those left out with their reason; findings, blood by scan.

    `rows` are sorted by participant and session, and so are the tables; `quantified`, one of each included row, is
    written as it comes and not kept.
    """
    from petproc.quantify import excluded_rows

    findings, blood, coming = {}, {}, zip(included(rows), quantified, strict=True)
    with contextlib.ExitStack() as stack:
        add = {name: stack.enter_context(rows_into(getattr(files, name), kind)) for name, kind in QUANTIFIED.items()}
        for row in rows:
            if row.include != "yes":
                add["uptake"](excluded_rows([row]))
                continue
            (_, scan), name = next(coming), scan_name(row.participant, row.session)
            for table, write in add.items():
                write(getattr(scan, table))
            findings[name], blood[name] = [finding.to_json() for finding in scan.findings], dict(scan.blood)
        next(coming, None)  # as many as there are rows, and no more
    write_json(files.quantify, {**record, "scans": findings, "blood": blood})


def read_quantified(files: SimpleNamespace) -> tuple[Iterator[SliceRow], Iterator[UptakeRow]]:
    """Rows as they are asked for."""
    require_ok(read_json(files.quantify))
    return each_row(files.slices, SliceRow), each_row(files.uptake, UptakeRow)


def applied_of(
    sidecars: Sequence[Path], rows: Sequence[ScanRow], worksheet: Worksheet
) -> Callable[[tuple[str, str]], Applied | None]:
    """How a scan was acquired, with its worksheet, read when it is asked for; None of one that was refused."""
    paths = {(row.participant, row.session): path for row, path in zip(included(rows), sidecars, strict=True)}

    def of(scan: tuple[str, str]) -> Applied | None:
        try:
            acquisition = _acquisition(paths[scan]) if scan in paths else None
        except Refusal:  # quantify has refused this scan, and says why
            return None
        return apply(acquisition, worksheet.get(scan), participant=scan[0], session=scan[1]) if acquisition else None

    return of


def _acquisition(sidecar: Path) -> PetAcquisition | None:
    """None of a scan that ingest refused."""
    ours = read_json(sidecar)["petproc"]
    return PetAcquisition.from_json(ours["acquisition"]) if ours["status"] == "ok" else None


def write_compared(files: SimpleNamespace, compared: Iterable[Compared], record: Record) -> None:
    """Change of all participants, written as they come; index vessels and findings by participant."""
    participants = {}
    with rows_into(files.change, ChangeRow) as add:
        for some in compared:
            add(some.change)
            for choice in some.index:
                findings = [finding.to_json() for finding in some.findings.get(choice.participant, [])]
                participants[choice.participant] = {"index": choice.to_json(), "findings": findings}
    write_json(files.compare, {**record, "participants": participants})


def read_content(
    files: SimpleNamespace,
    rows: Sequence[ScanRow],
    analysis: Analysis,
    *,
    exploratory: str = "",
    way_back: Sequence[Record] = (),
) -> Content:
    """All that a page shows: tables, what was noticed of each scan and participant, and overlays.

    Of what the backends of `analysis` make `files` has all scans of the first, then all of the next.
    """
    from petproc.report import Content

    slices, uptake = read_quantified(files)
    compared = read_json(files.compare)
    require_ok(compared)
    scans = [scan_name(row.participant, row.session) for row in included(rows)]
    findings = {name: _findings(entry) for name, entry in compared["participants"].items()}
    quantified = read_json(files.quantify)["scans"]
    overlays: dict[str, dict[str, bytes]] = {}
    for n, scan in enumerate(scans):
        every_backend = [path for made in (files.segmentation, files.sample) for path in made[n :: len(scans)]]
        paths = (files.pet_sidecar[n], *every_backend, files.alignment[n])
        made = dict(zip(analysis.backends, files.overlays[n :: len(scans)], strict=True))
        overlays[scan], lost = _overlays(made, analysis)
        noticed = [finding for path in paths for finding in _noticed(path)] + lost
        findings[scan] = noticed + [Finding.from_json(entry) for entry in quantified[scan]]
    return Content(
        change=read_rows(files.change, ChangeRow),
        uptake=list(uptake),
        slices=list(slices),
        scans=rows,
        vessels=read_rows(files.vessels, VesselRow),
        inputs=read_rows(files.inputs, InputRow),
        fragility=read_rows(files.fragility, FragilityRow),
        findings={name: noticed for name, noticed in findings.items() if noticed},
        overlays=overlays,
        exploratory=exploratory,
        way_back=way_back,
    )


def _noticed(path: Path) -> list[Finding]:
    """What a stage noticed of a scan; that its file is not whole is a thing to notice too, and hides no other scan."""
    try:
        return _findings(read_json(path))
    except Refusal as refusal:
        return [_not_whole(refusal)]


def _not_whole(refusal: Refusal) -> Finding:
    return Finding(refusal.code, f"{refusal.reason} {refusal.remedy}")


def _overlays(paths: Mapping[str, Path], analysis: Analysis) -> tuple[dict[str, bytes], list[Finding]]:
    """Figures of the regions that `analysis` takes from each backend, and of the whole, named with their backend where
    there are several: a page of hundreds of scans is large enough. And files that are not whole."""
    wanted = analysis.quantify.depends_on
    found: dict[str, bytes] = {}
    lost = []
    for backend, path in paths.items():
        try:
            figures = read_overlays(path)
        except Refusal as refusal:
            lost.append(_not_whole(refusal))
            continue
        own = {OVERVIEW, *(name for name in wanted if analysis.backend_for(name) == backend)}
        shown = {name: figure for name, figure in figures.items() if name in own}
        found |= {f"{name}_{backend}" if len(paths) > 1 else name: figure for name, figure in shown.items()}
    return found, lost


def _findings(content: Record) -> list[Finding]:
    record = content.get("petproc", content)
    return [Finding.from_json(entry) for entry in (record if isinstance(record, dict) else content)["findings"]]
