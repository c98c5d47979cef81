"""Every table that was ever published, by the hash of its content, so that an earlier result can be had again.

Snakemake deletes a rule's old outputs before it makes new ones; `decisions/history/` is nobody's output. What was
published when is in the ledger: a finished run lists its tables with their hashes.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from petproc import layout
from petproc.audit.ledger import Entry
from petproc.core.errors import Refusal

PUBLISHED = (
    layout.SLICES,
    layout.UPTAKE,
    layout.VESSELS,
    layout.INPUTS,
    layout.QUANTIFY,
    layout.CHANGE,
    layout.COMPARE,
    layout.FRAGILITY,
    layout.FRAGILITY_SIDECAR,
)
"""Of every analysis."""


@dataclass(frozen=True)
class Publication:
    """A file as a run left it: which ledger entry says so, its path in the study, the SHA-256 of its content."""

    entry: int
    time: str
    who: str
    path: str
    digest: str


def keep(study: Path, analyses: Iterable[str]) -> dict[str, str]:
    """Keep the published files of `analyses` that are there; path in the study -> SHA-256 of the content."""
    kept = {}
    for analysis in analyses:
        for template in PUBLISHED:
            path = layout.path(template, analysis=analysis)
            if (study / path).is_file():
                kept[path.as_posix()] = keep_content(study, (study / path).read_bytes())
    return kept


def keep_content(study: Path, content: bytes) -> str:
    """Keep `content` under its SHA-256, which is given back."""
    digest = hashlib.sha256(content).hexdigest()
    path = layout.path(layout.HISTORY, study, digest=digest)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
        unfinished.write_bytes(gzip.compress(content, 6, mtime=0))
        unfinished.replace(path)
    return digest


def recall(study: Path, digest: str) -> bytes:
    """The content with this hash; refused where it was not kept (`history-missing`) or is not it any more."""
    path = layout.path(layout.HISTORY, study, digest=digest)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, ValueError, zlib.error):
        content = b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise Refusal(
            "history-missing",
            f"The content with hash {digest[:12]} is not in {path.parent.name}/, or is damaged.",
            "Bring the folder decisions/ back from a backup.",
        )
    return content


def recall_by_start(study: Path, start: str, found: Sequence[Publication]) -> bytes:
    """The content whose hash begins with `start`; refused where none or several do (`hash-unknown`)."""
    digests = sorted({one.digest for one in found if one.digest.startswith(start)})
    if len(digests) != 1:
        raise Refusal(
            "hash-unknown",
            f"{len(digests) or 'No'} published tables have a hash that begins with {start!r}.",
            "petproc history lists those that there are; give more of the hash.",
        )
    return recall(study, digests[0])


def publications(entries: Sequence[Entry]) -> list[Publication]:
    """Every file of every finished run whose content was new, in the order of the ledger."""
    last: dict[str, str] = {}
    found = []
    for entry in entries:
        if entry.what != "run-finished":
            continue
        for path, digest in entry.after["published"].items():
            if last.get(path) != digest:
                found.append(Publication(entry.entry, entry.time, entry.who, path, digest))
                last[path] = digest
    return found
