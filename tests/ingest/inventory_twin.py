"""Deliveries of made-up people and the tables that an inventory makes of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from dicom_twin import Change, files
from pydicom.dataset import Dataset

from petproc import layout
from petproc.core.tables import IndexRow, ScanRow
from petproc.ingest.queries import FindingRow
from petproc.ingest.written import SeriesRow
from petproc.io import read_rows

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")


def visit(person: str, number: int, **tags: Any) -> Change:
    """Another person or day: UIDs and dates of their own; `tags` are set on every slice (a function of k too)."""
    plain = all(isinstance(value, str) for value in tags.values())
    return _same_visit(person, number, tuple(tags.items())) if plain else _visit(person, number, tags)


@cache
def _same_visit(person: str, number: int, tags: tuple[tuple[str, str], ...]) -> Change:
    """One change for all tests, so that its files are made once."""
    return _visit(person, number, dict(tags))


def _visit(person: str, number: int, tags: dict[str, Any]) -> Change:
    def change(one: Dataset, k: int) -> None:
        mark = int(f"{person.encode().hex()[-6:]}{number}", 16)
        for name in UIDS:
            setattr(one, name, f"{getattr(one, name)}.{mark}")
        one.PatientID = person
        one.StudyDate = one.SeriesDate = one.AcquisitionDate = f"202501{number:02d}"
        if one.Modality == "PT":
            given = one.RadiopharmaceuticalInformationSequence[0]
            given.RadiopharmaceuticalStartDateTime = f"202501{number:02d}100000"
        put(one, k, tags)

    return change


def put(one: Dataset, k: int, tags: dict[str, Any]) -> None:
    for keyword, value in tags.items():
        setattr(one, keyword, value(k) if callable(value) else value)


def series_of(modality: str, uid: str, change: Change | None = None, **tags: Any) -> dict[str, bytes]:
    """A series beside the twin's own, with other pixels; `tags` on every slice."""

    def made(one: Dataset, k: int) -> None:
        if change:
            change(one, k)
        one.SeriesInstanceUID, one.SOPInstanceUID = uid, f"{uid}.{k + 1}"
        one.PixelData = bytes([len(uid), sum(map(ord, uid)) % 256]) + one.PixelData[2:]
        put(one, k, tags)

    return {f"{uid}/{name}": data for name, data in files(modality, made).items()}


def both(change: Change | None = None, ct: Change | None = None) -> dict[str, bytes]:
    return dict(_files("PT", change)) | dict(_files("CT", ct or change))


_files = cache(files)


def together(*contents: dict[str, bytes]) -> dict[str, bytes]:
    """Several series in folders of their own."""
    return {f"{n}/{name}": data for n, content in enumerate(contents) for name, data in content.items()}


def scans(study: Path) -> list[ScanRow]:
    return read_rows(layout.path(layout.SCANS, study), ScanRow)


def series(study: Path) -> dict[str, SeriesRow]:
    return {row.series: row for row in read_rows(layout.path(layout.EXCLUDED_SERIES, study), SeriesRow)}


def queries(study: Path) -> list[FindingRow]:
    return read_rows(study / layout.FINDINGS, FindingRow)


def query(study: Path, code: str) -> FindingRow:
    """The only finding with this code."""
    (row,) = (row for row in queries(study) if row.code == code)
    return row


def findings(study: Path) -> dict[str, str]:
    return {row.subject: row.code for row in queries(study)}


def index(study: Path, uid: str) -> list[IndexRow]:
    return read_rows(layout.path(layout.INDEX, study, series=uid), IndexRow)


def config(study: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((study / "config").rglob("*")) if path.is_file()}
