"""The study's ledger: one line of JSON per event, each with its own hash and that of the line before.

Only the command line and the process that controls a run write to it, under a lock, never a job. A line that a crash
tore is closed and recorded by the next entry as what it is; a line that somebody changed breaks the chain, and
`problems` says where. It holds no arm: who got what is nobody's business before unblinding, and there it is one entry.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal, get_args

import petproc
from petproc import layout
from petproc.core.errors import Refusal

What = Literal[
    "run-started",
    "run-finished",
    "edit",
    "verdict",
    "exclusion",
    "override",
    "bundled",
    "verdicts-locked",
    "unblinding",
    "line-torn",
]
DECISIONS: tuple[What, ...] = ("edit", "verdict", "exclusion", "override", "unblinding")
"""What a person decides, and therefore gives a reason for."""
BEGINNING = "0" * 64
"""What stands for the line before the first."""
NAME = re.compile(r"[\w.@+-]{1,64}")


@dataclass(frozen=True)
class Event:
    """What is to be recorded. `subject` says of what (participant, session, region, analysis, ...); `before` and
    `after` are what it was and what it is now, as plain JSON types."""

    what: What
    who: str
    why: str = ""
    subject: Mapping[str, str] = field(default_factory=dict)
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class Entry:
    """A line of the ledger: an event, its number from 1, when it was written (UTC), by which version, after which
    line, and the SHA-256 of all this."""

    entry: int
    time: str
    what: What
    who: str
    why: str
    subject: Mapping[str, str]
    before: Any
    after: Any
    petproc: str
    previous: str
    digest: str = ""


@dataclass(frozen=True)
class Problem:
    """A line (from 1) at which the ledger is not what it was written as."""

    line: int
    reason: str


def append(study: Path, event: Event) -> Entry:
    """Write `event` as the ledger's next line, safely beside other processes and crashes.

    Refused where a decision has no reason (`reason-missing`), where `who` is not a short name or code (`who-missing`),
    and where the lines that are there do not follow from each other (`ledger-broken`).
    """
    _check(event)
    path = layout.path(layout.LEDGER, study)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path) as stream:
        lines, torn = _lines(stream)
        _entries(lines)
        if torn:
            stream.write(b"\n")
            tear = Event("line-torn", "petproc", before=torn.decode("utf-8", "backslashreplace"))
            lines += [torn, _write(stream, _next(tear, [*lines, torn]))]
        entry = _next(event, lines)
        _write(stream, entry)
    return entry


def read(study: Path) -> tuple[Entry, ...]:
    """All entries, in order; none where there is no ledger. Refused as `ledger-broken` where the chain does not hold;
    a torn line is left out."""
    return _entries(_lines_of(study))


def problems(study: Path) -> list[Problem]:
    """Every place at which the ledger has been changed, in the order of its lines."""
    return [problem for _, problem in _walk(_lines_of(study)) if problem]


def sound(study: Path) -> tuple[Entry, ...]:
    """Entries of the lines at which `problems` finds nothing."""
    return tuple(entry for entry, problem in _walk(_lines_of(study)) if entry and not problem)


def who(given: str | None = None) -> str:
    """Who acts: as given, else the environment's PETPROC_BY, else the account's name."""
    import getpass

    return given or os.environ.get("PETPROC_BY") or getpass.getuser()


def _check(event: Event) -> None:
    if not NAME.fullmatch(event.who):
        raise Refusal(
            "who-missing",
            f"{event.who!r} does not say who decides: up to 64 letters, digits and . _ - @ + are allowed.",
            "Give a name or a code with --by, or set PETPROC_BY.",
        )
    if event.what in DECISIONS and not event.why.strip():
        raise Refusal("reason-missing", "A decision is recorded with its reason, and none is given.", "Give --why.")


def _next(event: Event, lines: Sequence[bytes]) -> Entry:
    entry = Entry(
        len(lines) + 1,
        datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        event.what,
        event.who,
        event.why.strip(),
        dict(event.subject),
        event.before,
        event.after,
        petproc.__version__,
        _digest_of(lines[-1]) if lines else BEGINNING,
    )
    return replace(entry, digest=_digest(entry))


def _line(entry: Entry) -> bytes:
    return json.dumps(asdict(entry), ensure_ascii=False, allow_nan=False).encode()


def _digest(entry: Entry) -> str:
    return hashlib.sha256(_line(replace(entry, digest=""))).hexdigest()


def _digest_of(line: bytes) -> str:
    """That of an entry, or of the bytes of a torn line."""
    entry = _parsed(line)
    return hashlib.sha256(line).hexdigest() if entry is None else entry.digest


def _write(stream: IO[bytes], entry: Entry) -> bytes:
    line = _line(entry)
    stream.write(line + b"\n")
    stream.flush()
    os.fsync(stream.fileno())
    return line


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """The file, to read and to append to, while nobody else has it; it is made where it is not there."""
    import fcntl

    with path.open("ab+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


def _lines_of(study: Path) -> list[bytes]:
    path = layout.path(layout.LEDGER, study)
    if not path.is_file():
        return []
    with path.open("rb") as stream:
        return _lines(stream)[0]


def _lines(stream: IO[bytes]) -> tuple[list[bytes], bytes]:
    """Whole lines, and what stands after the last of them: a line that was torn."""
    stream.seek(0)
    *lines, torn = stream.read().split(b"\n")
    return lines, torn


def _entries(lines: Sequence[bytes]) -> tuple[Entry, ...]:
    """Entries of the lines that are whole, with the chain checked."""
    walked = list(_walk(lines))
    for _, problem in walked:
        if problem:
            raise Refusal(
                "ledger-broken",
                f"Line {problem.line} of {layout.LEDGER} is not as it was written. {problem.reason}",
                "Bring the file back from a backup; petproc verify says what else differs.",
            )
    return tuple(entry for entry, _ in walked if entry)


def _walk(lines: Sequence[bytes]) -> Iterator[tuple[Entry | None, Problem | None]]:
    """Every line as an entry, or as nothing where it was torn, and what is wrong with it."""
    previous = BEGINNING
    for number, line in enumerate(lines, start=1):
        entry = _parsed(line)
        reason = None
        if entry is None:
            torn = number < len(lines) and _is_tear(_parsed(lines[number]))
            reason = None if torn else "It is no entry of the ledger."
        elif entry.entry != number:
            reason = f"It bears the number {entry.entry}: lines were taken away or put in."
        elif entry.previous != previous:
            reason = "It does not follow from the line before it."
        elif entry.digest != _digest(entry) or line != _line(entry):
            reason = "It does not have the hash that it was written with."
        yield entry, Problem(number, reason) if reason else None
        previous = _digest_of(line)


def _is_tear(entry: Entry | None) -> bool:
    return entry is not None and entry.what == "line-torn"


def _parsed(line: bytes) -> Entry | None:
    try:
        content = json.loads(line)
    except ValueError:
        return None
    names = [one.name for one in fields(Entry)]
    if not isinstance(content, dict) or list(content) != names or content["what"] not in get_args(What):
        return None
    return Entry(**content)
