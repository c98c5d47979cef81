"""Whether what is there still is what it was recorded as: the delivery, the results, the decisions, the ledger itself.

Every check gives its deviations, each with the file, and the line where it has lines; what cannot be checked is a note,
never silence.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from petproc import layout
from petproc.audit.history import publications
from petproc.audit.ledger import Entry, problems
from petproc.audit.manifest import THREADS, Deviation, Progress, changed, digest_of, last, manifest_of, unlisted
from petproc.core.tables import IndexRow
from petproc.dicom.files import BadFile, Files

SHOWN = 5
"""Names in a note; of more, how many."""


@dataclass
class Checked:
    """What was checked, how much of it, what deviates, and what could not be checked or is worth knowing."""

    what: str
    count: int = 0
    deviations: list[Deviation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_ledger(study: Path) -> Checked:
    """Every line follows from the one before, and the last one is whole."""
    path = layout.path(layout.LEDGER, study)
    checked = Checked("ledger: each line follows from the one before")
    if not path.is_file():
        checked.notes.append(f"there is no {layout.LEDGER}: nothing of this study was recorded")
        return checked
    content = path.read_bytes()
    checked.count = content.count(b"\n")
    checked.deviations = [
        Deviation(f"{layout.LEDGER}, line {problem.line}", problem.reason.rstrip(".")) for problem in problems(study)
    ]
    if content and not content.endswith(b"\n"):
        where = f"{layout.LEDGER}, line {checked.count + 1}"
        checked.deviations.append(Deviation(where, "it is torn or changed at its end"))
    return checked


def check_history(study: Path, entries: Sequence[Entry]) -> Checked:
    """Every kept content has the hash that it is kept under, and every one that the ledger names is there."""
    checked = Checked("decisions/history: each content has its hash")
    named = {digest for entry in entries for digest in _digests(entry)}
    packed = {told["sha256"]: told["packed"] for entry in entries if (told := manifest_of(entry))}
    kept = {
        path.name.removesuffix(".gz"): path
        for path in layout.path(layout.HISTORY, study, digest="x").parent.glob("*.gz")
    }
    for digest in sorted(named | set(kept)):
        where = layout.path(layout.HISTORY, digest=digest).as_posix()
        found = _content_digest(kept[digest]) if digest in kept else None
        if found is None:
            checked.deviations.append(Deviation(where, "is missing or damaged", digest))
        elif found != digest:
            checked.deviations.append(Deviation(where, "holds another content", digest, found))
        elif digest in packed and (now := digest_of(kept[digest])) != packed[digest]:
            checked.deviations.append(Deviation(where, "is packed otherwise than it was", packed[digest], now or ""))
    checked.count = len(named | set(kept))
    if more := sorted(set(kept) - named):
        checked.notes.append(
            f"no line of the ledger names {_listed(more)} of decisions/history: a run was broken off, or lines were "
            "cut from the ledger's end"
        )
    return checked


def check_files(study: Path, entries: Sequence[Entry], show: Progress | None = None) -> Checked:
    """Every file that the last run left, the tables that it published, and what decisions name by hash."""
    checked = Checked("results and decisions: each file as the last run left it")
    listed = dict(last(study, entries))
    told = {one.path: one.digest for one in publications(entries)} if not listed else {}
    for entry in entries:
        told |= dict(_named_files(entry.after))
    checked.count = len(listed | told)
    checked.deviations = changed(study, told | listed, show)
    if not listed:
        checked.notes.append(
            "no run has listed what it left: only published tables are checked; petproc run lists all from now on"
        )
    elif more := unlisted(study, listed):
        checked.notes.append(f"no run left {_listed(more)}")
    if _is_open(entries):
        checked.notes.append("the last run has not ended: what it has written since is not recorded")
    return checked


def check_delivery(rows: Sequence[IndexRow], sidecar: Mapping[str, Any], where: str) -> Checked:
    """The files of a series, with paths that lead to them, against what ingest read; `where` is the sidecar's path."""
    checked = Checked("delivery: each file as ingest read it")
    told = sidecar["petproc"].get("files")
    if not told:
        checked.notes.append(f"{where} lists no files: ingest took none, so that they are not checked")
        return checked
    expected = {one["instance"]: one for one in told}
    at = {row.instance: row for row in rows}
    lost = sorted(set(expected) - set(at))
    checked.deviations = [Deviation(f"{where}, instance {one}", "no file is known for it any more") for one in lost]
    with Files() as files, ThreadPoolExecutor(THREADS) as pool:
        used = [row for row in rows if row.instance in expected]
        for row, found in zip(used, pool.map(lambda row: _digest_in(files, row), used), strict=True):
            wanted = expected[row.instance]["sha256"]
            if found != wanted:
                why = "is not the file that ingest read" if len(found) == len(wanted) else found
                checked.deviations.append(Deviation(_place(row), why, wanted, found if found != why else ""))
    checked.count = len(expected)
    if unused := len(rows) - len(used):
        checked.notes.append(f"{unused} files of a series were not used by ingest, and have no recorded hash: {where}")
    return checked


def check_settings(where: str, recorded: Any, now: Any) -> list[str]:
    """What the config says now of an analysis' settings against those that its tables were made with: notes alone."""
    from petproc.audit.difference import settings_that_differ

    return [
        f"{where} was made with {one.path} = {one.a}; the config says {one.b} now"
        for one in settings_that_differ(recorded, now)
    ]


def check_config(study: Path, entries: Sequence[Entry]) -> list[str]:
    """Tables of `config/` that were edited since the last run began."""
    started = next((entry for entry in reversed(entries) if entry.what == "run-started"), None)
    told = started.after["config"] if started else {}
    return [
        f"{path} was edited since the last run" for path, digest in told.items() if digest_of(study / path) != digest
    ]


def _digest_in(files: Files, row: IndexRow) -> str:
    """SHA-256 of a file of the delivery, or in words why it cannot be read."""
    try:
        return hashlib.sha256(files.read(row.path, row.member)).hexdigest()
    except BadFile as bad:
        return bad.reason.rstrip(".")


def _place(row: IndexRow) -> str:
    return f"{row.path}, {row.member}" if row.member else row.path


def _content_digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
    except (OSError, EOFError, ValueError, zlib.error):
        return None


def _digests(entry: Entry) -> Iterator[str]:
    """Of every content in the history that an entry names."""
    if entry.what == "run-finished":
        yield from entry.after["published"].values()
        if told := manifest_of(entry):
            yield told["sha256"]
    if entry.what == "unblinding":
        yield from (*entry.after["analyses"].values(), *entry.after["multiverse"].values())


def _named_files(after: Any) -> Iterator[tuple[str, str]]:
    """Files under `decisions/` that a decision names beside their hash, however deep in its entry."""
    if not isinstance(after, dict):
        return
    paths = [one for one in after.values() if isinstance(one, str) and one.startswith(f"{layout.DECISIONS}/")]
    if len(paths) == 1 and isinstance(after.get("sha256"), str):
        yield paths[0], after["sha256"]
    for one in after.values():
        yield from _named_files(one)


def _is_open(entries: Sequence[Entry]) -> bool:
    runs = [entry.what for entry in entries if entry.what in ("run-started", "run-finished")]
    return bool(runs) and runs[-1] == "run-started"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(name[:80] for name in names[:SHOWN]) + more
