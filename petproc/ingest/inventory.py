"""From a delivery to `config/scans.tsv`: what is there, which PET and CT make a scan, whose, and at which visit.

The one function of this stage that works on files. A later delivery adds rows; rows that are there are never changed
or moved, so that a person's review stays. Identities stay in `config/participants.key.tsv`, readable by its owner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from petproc import layout
from petproc.core.tables import ScanRow
from petproc.ingest.contradictions import doubtful_ids
from petproc.ingest.copies import copies
from petproc.ingest.gather import Gathered, Progress, gather
from petproc.ingest.index import follow, write_index
from petproc.ingest.late import late_cts, late_pets
from petproc.ingest.ledger import append_rows
from petproc.ingest.parts import split
from petproc.ingest.proposal import Proposal, Terms, propose
from petproc.ingest.queries import OPEN, FindingRow, Noted, reconcile
from petproc.ingest.review import Table, review
from petproc.ingest.seen import SeriesSeen, sorted_series
from petproc.ingest.written import KeyRow, SeriesRow, Written


@dataclass(frozen=True)
class InventoryReport:
    """What an inventory saw and what it added to the study."""

    files: int
    series: int
    added: tuple[ScanRow, ...]
    kept: int
    """rows of scans.tsv that were there and are untouched"""
    findings: tuple[FindingRow, ...]
    """new, or open again"""
    closed: tuple[FindingRow, ...]
    open: tuple[FindingRow, ...]
    """all that wait for an answer, of this delivery and earlier ones"""


def take_inventory(
    study: Path,
    deliveries: Sequence[Path],
    *,
    keep_ids: bool = False,
    tracer: str | None = None,
    progress: Progress | None = None,
    today: Callable[[], date] = lambda: datetime.now(UTC).date(),
) -> InventoryReport:
    """Read every header of folders and archives once and propose a row for every PET/CT.

    `tracer` is that of the study's config where it is not given; `progress` is called with the number of files done
    and in all; `today` dates what is found. Raises a `Refusal` where a delivery is not there or identifiers cannot be
    labels; a file that cannot be used is a finding.
    """
    old = Written.read(study, tracer)
    found = gather(deliveries, progress)
    series, noted = _candidates(found, old)
    seen = {one.uid: one for one in sorted_series(series)}
    roots = old.same_places(deliveries, series)
    for uid, one in seen.items():
        noted += follow(study, one) if uid in old.series else []
    fresh = [one for uid, one in seen.items() if uid not in old.series]
    copied = copies(fresh, old.may_be_copied(fresh))
    noted += [each for _, each in copied.values()]

    terms = Terms(old.settings.ingest.tracer, old.settings.inventory.prefer, keep_ids)
    offered = [one for one in fresh if one.uid not in copied]
    offered += [one for uid, one in seen.items() if uid in old.series and one.modality == "CT"]
    proposal = propose(offered, known=old.known(fresh), terms=terms)
    listed = {row.pet for row in old.scans}
    added = tuple(row for row in proposal.scans if row.pet not in listed)
    labels = {**old.labels, **proposal.labels}
    write_index(study, fresh)
    key = [KeyRow(label, person) for person, label in proposal.labels.items()]
    append_rows(layout.path(layout.PARTICIPANTS_KEY, study), key, KeyRow, private=True)
    append_rows(layout.path(layout.SCANS, study), added, ScanRow)
    rows = [_series_row(one, proposal, labels, copied.get(one.uid)) for one in fresh]
    append_rows(layout.path(layout.EXCLUDED_SERIES, study), rows, SeriesRow)

    table = Table([*old.scans, *added], old.worksheet, old.header, old.acquired, old.first_image)
    noted += review(table, {uid: old.as_indexed(one) for uid, one in seen.items()}, old.settings.ingest)
    noted += late_cts(table, seen, labels) + late_pets(table, seen, labels) + doubtful_ids(seen.values(), old.labels)
    outcome = reconcile(
        layout.path(layout.FINDINGS, study),
        noted,
        lambda row: _looked_at(row, seen, found, roots) or table.settles(row),
        today().isoformat(),
    )
    waiting = tuple(row for row in outcome.rows if row.status == OPEN and row.severity != "info")
    return InventoryReport(found.files, len(fresh), added, len(old.scans), outcome.opened, outcome.closed, waiting)


def _candidates(found: Gathered, old: Written) -> tuple[list[SeriesSeen], list[Noted]]:
    """Every series or part of one."""
    series: list[SeriesSeen] = []
    noted = list(found.noted)
    for uid, one in found.series.items():
        made = split(one, old.parts(uid))
        series += made.parts
        noted += [Noted(uid, finding) for finding in made.findings]
    return series, noted


def _series_row(
    one: SeriesSeen, proposal: Proposal, labels: Mapping[str, str], copied: tuple[SeriesSeen, Noted] | None
) -> SeriesRow:
    role, reason = ("left out", f"copy of {copied[0].uid}") if copied else proposal.roles[one.uid]
    acquired = one.acquired.isoformat() if one.acquired else None
    return SeriesRow(one.uid, one.modality, one.count, acquired, labels.get(one.person), role, reason)


def _looked_at(row: FindingRow, seen: Mapping[str, SeriesSeen], found: Gathered, roots: tuple[str, ...]) -> bool:
    """Whether this inventory has looked at the subject of a finding."""
    if row.subject in seen or row.subject in found.series or row.subject in found.names:
        return True
    return bool(roots) and row.subject.startswith(roots)
