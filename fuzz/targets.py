"""What damaged input is put through, and what came of it: the same words and bytes whenever the same input is read."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

import numpy as np

from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.results import Ingested
from petproc.core.tables import IndexRow, ScanRow
from petproc.dicom.archives import kind_of
from petproc.dicom.bad import BadFile
from petproc.dicom.delivery import read_headers
from petproc.dicom.frames import frame_headers
from petproc.dicom.instance import check_length, parse, stored_values
from petproc.ingest import ingest_scan
from petproc.ingest.card import series_card
from petproc.ingest.inventory import take_inventory
from petproc.io import read_rows
from petproc.settings import IngestSettings

PET_SERIES, CT_SERIES = "1.2.3.10", "1.2.3.20"
"""Those of the twin."""
__all__ = ["Differs", "Outcome", "deliver", "kind_of", "one_archive", "one_file", "outcome"]
DAY = date(2025, 6, 1)
FRAMES = 12
"""So many frames of one file are decoded."""


@dataclass(frozen=True)
class Outcome:
    """`words`: codes of all findings and refusals; `scan`: digest of the PET/CT of the twin's own series, if read."""

    digest: str
    words: frozenset[str]
    scan: str | None


class Differs(Exception):
    """The same input read twice gave two outcomes, or a sound scan was harmed."""


def deliver(files: Mapping[str, bytes], folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / "delivery" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "delivery"


def outcome(files: Mapping[str, bytes], folder: Path, *, again: bool = True) -> Outcome:
    """Inventory, derivation card and ingest of a delivery on one thread, and `again` on two."""
    delivery = deliver(files, folder)
    first = through(delivery, folder / "study", threads=1)
    if again:
        second = through(delivery, folder / "again", threads=2)
        if first != second:
            raise Differs(f"read twice: {sorted(first.words ^ second.words)}, scan {first.scan} and {second.scan}")
    return first


def through(delivery: Path, study: Path, *, threads: int) -> Outcome:
    words: set[str] = set()
    told = hashlib.sha256()
    told.update("\n".join(_inventory(delivery, study, words)).encode())
    told.update(_card(delivery, words).encode())
    scan = None
    for pet, ct in _scans(study):
        result = _ingested(study, pet, ct, threads, words)
        told.update(result.encode())
        if (pet, ct) == (PET_SERIES, CT_SERIES):
            scan = result
    return Outcome(told.hexdigest(), frozenset(words), scan)


def _inventory(delivery: Path, study: Path, words: set[str]) -> list[str]:
    try:
        report = take_inventory(study, [delivery], today=lambda: DAY)
    except Refusal as refusal:
        words.add(refusal.code)
        return [str(refusal)]
    words |= {row.code for row in report.open}
    paths = sorted(path for path in study.rglob("*") if path.is_file())
    return [repr(report), *(f"{path.relative_to(study)} {path.read_bytes()!r}" for path in paths)]


def _card(delivery: Path, words: set[str]) -> str:
    try:
        return json.dumps(series_card(delivery), allow_nan=False, default=str)
    except Refusal as refusal:
        words.add(refusal.code)
        return str(refusal)


def _scans(study: Path) -> list[tuple[str, str]]:
    """PET and CT of every proposed scan, and the twin's own where they are indexed."""
    path = layout.path(layout.SCANS, study)
    rows = read_rows(path, ScanRow) if path.is_file() else []
    return sorted({(row.pet, row.ct) for row in rows} | {(PET_SERIES, CT_SERIES)})


def _ingested(study: Path, pet: str, ct: str, threads: int, words: set[str]) -> str:
    try:
        done = ingest_scan(
            _rows(study, pet), _rows(study, ct), settings=IngestSettings(), threads=threads, scan="sub-1_ses-1"
        )
    except Refusal as refusal:
        words.add(refusal.code)
        return str(refusal)
    words |= {"ingested", *(finding.code for finding in done.findings)}
    return _digest(done)


def _rows(study: Path, series: str) -> list[IndexRow]:
    path = layout.path(layout.INDEX, study, series=series)
    return read_rows(path, IndexRow) if path.is_file() else []


def _digest(done: Ingested) -> str:
    if not np.isfinite(done.pet.data).all() or not np.isfinite(done.pet.grid.affine).all():
        raise Differs("the PET holds a number that is none")
    told = hashlib.sha256()
    for volume in (done.pet, done.ct):
        told.update(np.asfortranarray(volume.data).tobytes(order="F"))
        told.update(f"{volume.unit} {volume.grid.shape} {volume.grid.affine.tolist()}".encode())
    for record in (done.pet_sidecar, done.ct_sidecar, [finding.to_json() for finding in done.findings]):
        told.update(json.dumps(record, allow_nan=False).encode())
    return told.hexdigest()


def one_file(content: bytes) -> str:
    """Header, frames and pixels of one file: the hot part of the reading, without a file system."""
    try:
        header, offset = parse(content)
        check_length(header, content, offset, len(content))
        told = hashlib.sha256()
        for number, frame in enumerate(frame_headers(header)[:FRAMES]):
            told.update(repr((frame.numbers("ImagePositionPatient"), frame.moment("Acquisition"))).encode())
            told.update(stored_values(header, content, offset, frame=number).tobytes())
        return told.hexdigest()
    except BadFile as bad:
        return bad.code


def one_archive(content: bytes, path: Path, most: int) -> list[str]:
    """The listing of one archive and of those in it, and the bytes of its first members."""
    path.write_bytes(content)
    return [seen.bad.code if seen.bad else "read" for seen in islice(read_headers([path]), most)]
