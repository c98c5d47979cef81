"""Verdicts that readers gave by code come back: locked first, only then joined to the scans.

To lock is to keep the table and to record its hash in the ledger. The key of the bundle is opened after that, and what
is joined is the table that was kept; so nobody can change a verdict knowing whose it is without its being seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from petproc import layout
from petproc.audit.decisions import Code, reject, release
from petproc.audit.edits import digest
from petproc.audit.ledger import Entry, Event, append, read, who
from petproc.core.errors import Refusal
from petproc.core.regions import REGIONS
from petproc.io import read_rows
from petproc.workflow.bundle import KeyRow, ReadingRow
from petproc.workflow.decide import place
from petproc.workflow.plan import require_study

VERDICTS = ("released", "rejected")


def lock_readings(study: Path, table: Path, *, by: str | None = None) -> Entry:
    """Keep a reader's table as it is and record its hash; the ledger's entry, the earlier one of a table locked before.

    Refused where it was not made for a bundle of this study (`readings-of-no-bundle`, `readings-code-unknown`), where a
    row says no verdict in full (`readings-row`), and where the reader has locked another table of this bundle.
    """
    require_study(study)
    if not table.is_file():
        raise Refusal("readings-missing", f"There is no file {table.name}.", "Give the path of the filled-in table.")
    rows, entries = read_rows(table, ReadingRow), read(study)
    bundled = _bundled(entries, {row.bundle for row in rows})
    _check(rows, bundled)
    bundle, sha256 = bundled.subject["bundle"], digest(table)
    locked = [one for one in entries if one.what == "verdicts-locked" and one.subject["bundle"] == bundle]
    for one in locked:
        if one.after["sha256"] == sha256:
            return one
        if one.who == who(by):
            raise Refusal(
                "readings-locked",
                f"{one.who} has locked verdicts on this bundle already (ledger entry {one.entry}).",
                "Those count. Another reader gives another name with --by; a new reading needs a new bundle.",
            )
    kept = layout.path(layout.BUNDLE_READINGS, Path(), bundle=bundle, digest=sha256)
    (study / kept).write_bytes(table.read_bytes())
    after = {"readings": kept.as_posix(), "sha256": sha256}
    return append(study, Event("verdicts-locked", who(by), subject={"bundle": bundle}, after=after))


def join_readings(study: Path, locked: Entry) -> list[Entry]:
    """Record the verdicts of a table that is locked, each for its scan; those recorded before are left.

    Refused where the ledger has no such lock (`readings-not-locked`) and where the table or the key is not what was
    recorded (`readings-damaged`, `bundle-key-damaged`).
    """
    entries = read(study)
    if locked not in entries or locked.what != "verdicts-locked":
        raise Refusal(
            "readings-not-locked",
            "Codes are joined to scans only when verdicts are locked, and the ledger has no such lock.",
            "Lock and join the table with petproc bundle STUDY VERDICTS.tsv --join.",
        )
    bundle = locked.subject["bundle"]
    rows = _kept_rows(study, locked)
    scans = {row.code: row for row in _key(study, _bundled(entries, {bundle}))}
    done = {(tuple(one.subject.values()), one.why) for one in entries if one.what == "verdict"}
    recorded = []
    for row in rows:
        if row.verdict is None:
            continue
        where = place(study, scans[row.code].participant, scans[row.code].session, row.region)
        why = f"{(row.why or '').strip()} (read blind as {row.code}, ledger entry {locked.entry})"
        if (tuple(where.subject().values()), why) in done:
            continue
        if row.verdict == "released":
            recorded.append(release(study, where, why=why, by=locked.who))
        else:
            recorded.append(reject(study, where, code=row.reason or "", why=why, by=locked.who))
    return recorded


def _bundled(entries: Sequence[Entry], names: set[str]) -> Entry:
    found = [one for one in entries if one.what == "bundled" and names == {one.subject["bundle"]}]
    if not found:
        raise Refusal(
            "readings-of-no-bundle",
            "The verdicts were not made for one bundle of this study.",
            "Give the codes.tsv of one bundle, with its column bundle as it was.",
        )
    return found[-1]


def _check(rows: Sequence[ReadingRow], bundled: Entry) -> None:
    """Everything that recording could refuse, before anything is recorded."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if row.code not in bundled.after["codes"] or row.region not in REGIONS:
            raise Refusal(
                "readings-code-unknown",
                f"The bundle has no code {row.code!r} with a region {row.region!r}.",
                "Leave the columns bundle, code and region as they were.",
            )
        if wrong := _wrong(row, seen):
            raise Refusal("readings-row", f"{row.code}, {row.region}: {wrong}.", "Correct that row of the table.")
        seen.add((row.code, row.region))


def _wrong(row: ReadingRow, seen: set[tuple[str, str]]) -> str:
    if (row.code, row.region) in seen:
        return "there are two rows"
    if row.verdict is None:
        return ""
    if row.verdict not in VERDICTS:
        return f"verdict is {row.verdict!r} and may be {', '.join(VERDICTS)} or empty"
    if not (row.why or "").strip():
        return "a verdict needs its reason in words (why)"
    if row.verdict == "rejected" and row.reason not in get_args(Code):
        return f"reason is {row.reason!r} and may be {', '.join(get_args(Code))}"
    return ""


def _kept_rows(study: Path, locked: Entry) -> list[ReadingRow]:
    path = study / locked.after["readings"]
    if not path.is_file() or digest(path) != locked.after["sha256"]:
        raise Refusal(
            "readings-damaged",
            f"The verdicts of ledger entry {locked.entry} are not in decisions/bundles/ as they were locked.",
            "Bring the folder decisions/ back from a backup.",
        )
    return read_rows(path, ReadingRow)


def _key(study: Path, bundled: Entry) -> list[KeyRow]:
    path = layout.path(layout.BUNDLE_KEY, study, bundle=bundled.subject["bundle"])
    if not path.is_file() or digest(path) != bundled.after["key"]:
        raise Refusal(
            "bundle-key-damaged",
            "The key of this bundle is not in decisions/bundles/ as it was made.",
            "Bring the folder decisions/ back from a backup.",
        )
    return read_rows(path, KeyRow)
