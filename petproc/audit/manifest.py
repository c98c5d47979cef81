"""What a run left, file by file, so that a byte changed afterwards is found: path in the study -> SHA-256.

At the end of a run every file under `results/` and `decisions/`, and the masks that were imported, are listed. The list
is kept in `decisions/history/` by the hash of its content, and the ledger's entry names that hash.

A file that was recorded before is hashed anew only where it was written since the first run that began after that
record. What changed while no run was under way keeps the hash it had and is found by `changed`, whatever runs later;
and the end of a run that makes tables alone hashes tables alone. Who can set the time of a file into a later run can
pass as that run; earlier records and earlier tables stay what they are.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from petproc import layout
from petproc.audit.history import keep_content, recall
from petproc.audit.ledger import Entry
from petproc.core.errors import Refusal

RECORDED = ("results", layout.DECISIONS)
CLOCKS_S = 2.0
"""Nodes of a cluster and file systems may disagree by this much about when a file was written."""
THREADS = 4
"""Hashing waits for disks as much as it computes."""

Manifest = Mapping[str, str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Deviation:
    """Something that is not what it was recorded as: which file, or which line of it, and why, in words.

    `expected` and `found` are beginnings of hashes, or numbers.
    """

    where: str
    why: str
    expected: str = ""
    found: str = ""


def record(study: Path, entries: Sequence[Entry], inputs: Iterable[str] = ()) -> dict[str, str]:
    """List and keep what is there; `inputs` are further files of the study, hashed whenever they are there.

    Gives the list's own hash and that of the file that keeps it, for the ledger.
    """
    before, since = last(study, entries), _since(entries)
    paths = sorted(set(files_of(study)) - _unsettled(study))

    def one(path: str) -> str | None:
        if path in before and _written(study / path) < since:
            return before[path]
        return digest_of(study / path)

    with ThreadPoolExecutor(THREADS) as pool:
        found = dict(zip(paths, pool.map(one, paths), strict=True))
        masks = [path for path in inputs if (study / path).is_file()]
        found |= dict(zip(masks, pool.map(lambda path: digest_of(study / path), masks), strict=True))
    listed = {path: digest for path, digest in sorted(found.items()) if digest}
    digest = keep_content(study, json.dumps(listed, indent=0).encode())
    packed = digest_of(layout.path(layout.HISTORY, study, digest=digest))
    return {"sha256": digest, "packed": packed or ""}


def last(study: Path, entries: Sequence[Entry]) -> Manifest:
    """The list that the last run recorded; empty where none did, or where it cannot be had any more."""
    for entry in reversed(entries):
        if told := manifest_of(entry):
            try:
                listed: dict[str, str] = json.loads(recall(study, told["sha256"]))
            except Refusal:
                return {}
            return listed
    return {}


def manifest_of(entry: Entry) -> Mapping[str, str] | None:
    """What a finished run recorded; None of other entries, and of runs before this was recorded."""
    after: Any = entry.after
    return after.get("manifest") if entry.what == "run-finished" else None


def changed(study: Path, listed: Manifest, show: Progress | None = None) -> list[Deviation]:
    """Every file of the list that is not there any more or is another one."""
    found = []
    with ThreadPoolExecutor(THREADS) as pool:
        digests = pool.map(lambda path: digest_of(study / path), sorted(listed))
        for n, (path, digest) in enumerate(zip(sorted(listed), digests, strict=True)):
            if digest is None:
                found.append(Deviation(path, "is missing", listed[path]))
            elif digest != listed[path]:
                found.append(Deviation(path, "is not as the run left it", listed[path], digest))
            if show:
                show(n + 1, len(listed))
    return found


def unlisted(study: Path, listed: Manifest) -> list[str]:
    """Files under `results/` that no run left."""
    return sorted(path for path in set(files_of(study)) - set(listed) if path.startswith("results/"))


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file; None where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def files_of(study: Path) -> Iterator[str]:
    """Paths of all files under the folders that are recorded."""
    for folder in RECORDED:
        for parent, _, names in os.walk(study / folder):
            for name in names:
                yield (Path(parent) / name).relative_to(study).as_posix()


def _unsettled(study: Path) -> set[str]:
    """The ledger, which is about to grow and has its own chain, and what is being written."""
    return {path for path in files_of(study) if path == layout.LEDGER or path.endswith(".unfinished")}


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime + CLOCKS_S
    except OSError:
        return 0.0


def _since(entries: Sequence[Entry]) -> float:
    """When the first run began that the last list does not know: files written before are those of the list."""
    began = None
    for entry in reversed(entries):
        if manifest_of(entry):
            break
        if entry.what == "run-started":
            began = entry
    return datetime.fromisoformat(began.time).timestamp() if began else 0.0
