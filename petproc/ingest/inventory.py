"""From a delivery to `config/scans.tsv`: what is there, which PET and CT make a scan, whose, and at which visit.

The one function of this stage that works on files. A later delivery adds rows; rows that are there are never changed
or moved, so that a person's review stays. Identities stay in `config/participants.key.tsv`, readable by its owner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from petproc import layout
from petproc.core.tables import IndexRow, ScanRow
from petproc.dicom.delivery import Seen, read_headers
from petproc.ingest.choice import same_day
from petproc.ingest.ledger import append_rows
from petproc.ingest.proposal import NO_CT, Known, Proposal, Visit, propose
from petproc.ingest.seen import SeriesSeen, sorted_series
from petproc.io import read_rows


@dataclass(frozen=True)
class SeriesRow:
    """One series of a delivery in `config/series.tsv`."""

    series: str
    modality: str
    instances: int
    acquired: str | None
    participant: str | None
    """None where no PET/CT of this person is in the table"""
    role: str
    """pet, ct or left out"""
    reason: str


@dataclass(frozen=True)
class FindingRow:
    """Something noticed about a file or series in `config/findings.tsv`."""

    subject: str
    """path relative to the delivery, or SeriesInstanceUID"""
    code: str
    severity: str
    message: str


@dataclass(frozen=True)
class KeyRow:
    """Whose label it is, in `config/participants.key.tsv`."""

    participant: str
    patient_id: str


@dataclass(frozen=True)
class InventoryReport:
    """What an inventory saw and what it added to the study."""

    files: int
    series: int
    added: tuple[ScanRow, ...]
    kept: int
    """rows of scans.tsv that were there and are untouched"""
    findings: tuple[FindingRow, ...]

    def lines(self) -> list[str]:
        words = [
            f"{self.files} files, {self.series} new series; {len(self.added)} scans added to {layout.SCANS}, "
            f"{self.kept} were there and are unchanged; {len(self.findings)} new findings in {layout.FINDINGS}."
        ]
        words += [
            f"{layout.scan_name(row.participant, row.session)}: include {row.include}. {row.reason}"
            for row in self.added
        ]
        return words


def take_inventory(
    study: Path,
    deliveries: Sequence[Path],
    *,
    keep_ids: bool = False,
    tracer: str = "FDG",
    progress: Callable[[int, int], None] | None = None,
) -> InventoryReport:
    """Read every header of folders and zip archives once and propose a row for every PET/CT.

    `progress` is called with the number of files done and in all. Raises a `Refusal` where a delivery is not there or
    two identifiers give one label; a file that cannot be used is a finding.
    """
    known_series, scans = _read(study, layout.EXCLUDED_SERIES, SeriesRow), _read(study, layout.SCANS, ScanRow)
    key = _read(study, layout.PARTICIPANTS_KEY, KeyRow)
    series, findings, files = _gather(deliveries, progress)
    old = {row.series: row for row in known_series}
    known = Known({row.patient_id: row.participant for row in key}, _visits(scans, old))
    fresh = [one for one in series if one.uid not in old]
    again = [one for one in series if one.uid in old and one.modality == "CT"]
    proposal = propose([*fresh, *again], known=known, tracer=tracer, keep_ids=keep_ids)
    listed = {row.pet for row in scans}
    added = tuple(row for row in proposal.scans if row.pet not in listed)

    findings += _grown(study, [one for one in series if one.uid in old])
    findings += _late_cts(scans, old, fresh, known)
    new_findings = _unseen(findings, _read(study, layout.FINDINGS, FindingRow))
    _write_index(study, fresh)
    labels = {**known.labels, **proposal.labels}
    rows = [_series_row(one, proposal, labels) for one in sorted_series(fresh)]
    new_key = [KeyRow(label, person) for person, label in proposal.labels.items()]
    append_rows(layout.path(layout.PARTICIPANTS_KEY, study), new_key, KeyRow, mode=0o600)
    append_rows(layout.path(layout.FINDINGS, study), new_findings, FindingRow)
    append_rows(layout.path(layout.SCANS, study), added, ScanRow)
    append_rows(layout.path(layout.EXCLUDED_SERIES, study), rows, SeriesRow)
    return InventoryReport(files, len(fresh), added, len(scans), tuple(new_findings))


def _gather(
    deliveries: Sequence[Path], progress: Callable[[int, int], None] | None
) -> tuple[list[SeriesSeen], list[FindingRow], int]:
    series: dict[str, SeriesSeen] = {}
    findings: list[FindingRow] = []
    files = 0
    for seen in read_headers(deliveries, progress=progress):
        files += 1
        if seen.bad:
            severity = "info" if seen.bad.code == "not-dicom" else "warning"
            findings.append(FindingRow(seen.place.name, seen.bad.code, severity, seen.bad.reason))
        if seen.header and not _add(series, seen):
            words = "This instance is in the delivery more than once; the first by name is used."
            findings.append(FindingRow(seen.place.name, "instance-sent-twice", "info", words))
    nameless = [one for one in series.values() if one.modality in ("PT", "CT") and not one.tag("PatientID")]
    words = "The series has no PatientID; each of its studies is taken as a participant of its own."
    findings += [FindingRow(one.uid, "patient-id-missing", "warning", words) for one in sorted_series(nameless)]
    return list(series.values()), findings, files


def _add(series: dict[str, SeriesSeen], seen: Seen) -> bool:
    header, place = seen.header, seen.place
    assert header
    uid, instance = header.text("SeriesInstanceUID") or "", header.text("SOPInstanceUID") or ""
    modality = header.text("Modality") or ""
    one = series.setdefault(uid, SeriesSeen(uid, modality))
    return one.add(header, IndexRow(instance, place.path, place.member, place.size))


def _read(study: Path, template: str, kind: type) -> list:  # type: ignore[type-arg]
    path = layout.path(template, study)
    return read_rows(path, kind) if path.is_file() else []


def _visits(scans: Sequence[ScanRow], old: dict[str, SeriesRow]) -> dict[str, list[Visit]]:
    visits: dict[str, list[Visit]] = {}
    for row in scans:
        told = old[row.pet].acquired if row.pet in old else None
        acquired = datetime.fromisoformat(told) if told else None
        visits.setdefault(row.participant, []).append(Visit(row.session, acquired))
    return visits


def _series_row(one: SeriesSeen, proposal: Proposal, labels: dict[str, str]) -> SeriesRow:
    role, reason = proposal.roles[one.uid]
    acquired = one.acquired.isoformat() if one.acquired else None
    return SeriesRow(one.uid, one.modality, len(one.instances), acquired, labels.get(one.person), role, reason)


def _write_index(study: Path, series: Sequence[SeriesSeen]) -> None:
    for one in series:
        if one.modality in ("PT", "CT") and one.is_image:
            rows = sorted(one.instances.values(), key=lambda row: row.instance)
            path = layout.path(layout.INDEX, study, series=one.uid)
            if not path.exists():
                append_rows(path, rows, IndexRow)


def _grown(study: Path, series: Sequence[SeriesSeen]) -> list[FindingRow]:
    """Instances that a later delivery adds to a series that is indexed: named, never mixed in."""
    findings = []
    for one in sorted_series(series):
        indexed = {row.instance for row in _read(study, layout.INDEX.format(series=one.uid), IndexRow)}
        more = len(set(one.instances) - indexed)
        if indexed and more:
            words = (
                f"A later delivery holds {more} more images of this series, which were not added. To take them, remove "
                f"the series' file in config/index and its row in {layout.EXCLUDED_SERIES}, then repeat the inventory."
            )
            findings.append(FindingRow(one.uid, "series-grew", "warning", words))
    return findings


def _late_cts(
    scans: Sequence[ScanRow], old: dict[str, SeriesRow], fresh: Sequence[SeriesSeen], known: Known
) -> list[FindingRow]:
    """CTs that a later delivery brings for rows that have none: a person enters them."""
    days = {
        row.pet: datetime.fromisoformat(told) for row in scans if row.pet in old and (told := old[row.pet].acquired)
    }
    findings = []
    for row in scans:
        for ct in sorted_series(fresh):
            if row.ct != NO_CT or ct.modality != "CT" or known.labels.get(ct.person) != row.participant:
                continue
            if ct.not_a_volume() or row.pet not in days or not same_day(days[row.pet], ct.acquired):
                continue
            words = (
                f"This CT came later than the PET of {layout.scan_name(row.participant, row.session)}, which has none: "
            )
            findings.append(FindingRow(ct.uid, "ct-came-later", "warning", f"{words}enter it in the column ct."))
    return findings


def _unseen(findings: Sequence[FindingRow], written: Sequence[FindingRow]) -> list[FindingRow]:
    there = set(written)
    return [row for row in dict.fromkeys(findings) if row not in there]
