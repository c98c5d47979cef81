"""`config/findings.tsv`: what was noticed, as queries to the site that open, close and open again by themselves.

A row is known by subject, code and tag. What is looked at again and no longer found is closed, never removed; columns
that a person added stay with their row.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from petproc.core.errors import Finding, Refusal
from petproc.ingest.ledger import EMPTY, write_table
from petproc.ingest.questions import QUESTIONS

OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True)
class FindingRow:
    """Something noticed about a file or series in `config/findings.tsv`."""

    subject: str
    """name of the file relative to the delivery, or SeriesInstanceUID"""
    scan: str
    """sub-<participant>_ses-<session>, or n/a"""
    code: str
    severity: str
    """info: nothing to do; warning: to be answered; refusal: not measured until it is answered"""
    tag: str
    value: str
    question: str
    status: str
    """open or closed"""
    first_seen: str
    """UTC date"""
    closed: str
    """UTC date, or n/a"""


COLUMNS = tuple(field.name for field in fields(FindingRow))
Cells = dict[str, str]


@dataclass(frozen=True)
class Noted:
    """Something noticed at this inventory."""

    subject: str
    finding: Finding
    scan: str = EMPTY
    tag: str = EMPTY
    value: str = EMPTY
    severity: Literal["refusal"] | None = None
    """where it is more than the finding's own"""

    @classmethod
    def refused(cls, subject: str, refusal: Refusal, scan: str) -> Noted:
        """A refusal that measuring this series will end in."""
        return cls(subject, Finding(refusal.code, f"{refusal.reason} {refusal.remedy}"), scan, severity="refusal")

    @property
    def key(self) -> tuple[str, str, str]:
        return self.subject, self.finding.code, self.tag

    def cells(self) -> Cells:
        """All but what belongs to its history."""
        question = " ".join(filter(None, (self.finding.message, QUESTIONS.get(self.finding.code, ""))))
        return {
            "subject": self.subject,
            "scan": self.scan,
            "code": self.finding.code,
            "severity": self.severity or self.finding.severity,
            "tag": self.tag,
            "value": self.value,
            "question": question,
        }


@dataclass(frozen=True)
class Outcome:
    """What an inventory changed in the table, and the whole table after it."""

    opened: tuple[FindingRow, ...]
    """new, or open again"""
    closed: tuple[FindingRow, ...]
    rows: tuple[FindingRow, ...]


def reconcile(path: Path, noted: Iterable[Noted], looked_at: Callable[[FindingRow], bool], today: str) -> Outcome:
    """Bring the table up to date; it is written only where something changed.

    `looked_at` tells of an open row whether this inventory would have noticed it again.
    """
    columns, rows = _read(path)
    found = _merged(noted)
    before = [dict(row) for row in rows]
    changed_to: dict[str, list[FindingRow]] = {OPEN: [], CLOSED: []}
    for row in rows:
        again = found.pop(_key(row), None)
        if again is not None:
            row |= again.cells()
            if row["status"] == CLOSED:
                row |= {"status": OPEN, "closed": EMPTY}
                changed_to[OPEN].append(_row(row))
        elif row["status"] != CLOSED and looked_at(_row(row)):
            row |= {"status": CLOSED, "closed": today}
            changed_to[CLOSED].append(_row(row))
    for one in found.values():
        rows.append({**one.cells(), "status": OPEN, "first_seen": today, "closed": EMPTY})
        changed_to[OPEN].append(_row(rows[-1]))
    if rows != before or not path.exists():
        write_table(path, columns, [[row.get(name, _blank(name)) for name in columns] for row in rows])
    return Outcome(tuple(changed_to[OPEN]), tuple(changed_to[CLOSED]), tuple(map(_row, rows)))


def _merged(noted: Iterable[Noted]) -> dict[tuple[str, str, str], Noted]:
    """By key, sorted; what is said twice of one tag is one query."""
    found: dict[tuple[str, str, str], Noted] = {}
    for one in sorted(noted, key=lambda one: (*one.key, one.value, one.finding.message)):
        same = found.get(one.key)
        if same and one.finding.message not in same.finding.message:
            words = f"{same.finding.message} {one.finding.message}"
            one = dataclasses.replace(same, finding=dataclasses.replace(same.finding, message=words))
        found[one.key] = one
    return found


def _key(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["subject"], row["code"], row["tag"]


def _row(cells: Mapping[str, str]) -> FindingRow:
    return FindingRow(**{name: cells.get(name, EMPTY) for name in COLUMNS})


def _read(path: Path) -> tuple[list[str], list[Cells]]:
    """Columns in the table's order, ours that it lacks behind them, and its rows."""
    if not path.is_file():
        return list(COLUMNS), []
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal("table-encoding", f"{path.name} is not UTF-8 text.", "Save it as tab-separated UTF-8.") from None
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", restval="")
    present = [name for name in table.fieldnames or () if name]
    columns = [*present, *(name for name in COLUMNS if name not in present)]
    return columns, [{name: line.get(name) or _blank(name) for name in columns} for line in table]


def _blank(name: str) -> str:
    return EMPTY if name in COLUMNS else ""
