"""The tables of a study as earlier inventories and reviewers left them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from petproc import layout
from petproc.core.tables import IndexRow, ScanRow, WorksheetRow
from petproc.dicom.files import BadFile
from petproc.dicom.header import Header
from petproc.ingest.contradictions import Facts
from petproc.ingest.gather import from_files
from petproc.ingest.index import first_header, read_index
from petproc.ingest.proposal import Earlier, Known, Visit
from petproc.ingest.reconstruction import Reconstruction
from petproc.ingest.seen import SeriesSeen
from petproc.io import read_rows
from petproc.settings import Settings


@dataclass(frozen=True)
class SeriesRow:
    """One series of a delivery, or a part of one, in `config/series.tsv`."""

    series: str
    modality: str
    instances: int
    """images"""
    acquired: str | None
    participant: str | None
    """None where no PET/CT of this person is in the table"""
    role: str
    """pet, ct or left out"""
    reason: str


@dataclass(frozen=True)
class KeyRow:
    """Whose label it is, in `config/participants.key.tsv`."""

    participant: str
    patient_id: str


@dataclass(frozen=True)
class Written:
    """`labels` are those of PatientIDs, `series` the rows of `config/series.tsv` by name."""

    folder: Path
    settings: Settings
    series: Mapping[str, SeriesRow]
    scans: Sequence[ScanRow]
    labels: Mapping[str, str]
    worksheet: Sequence[WorksheetRow]
    _names: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, folder: Path, tracer: str | None) -> Written:
        """`tracer`, where it is given, in place of that of the study's config."""
        config = layout.path(layout.CONFIG, folder)
        settings = Settings.read(config) if config.is_file() else Settings()
        if tracer:
            settings = settings.model_copy(update={"ingest": settings.ingest.model_copy(update={"tracer": tracer})})
        written = cls(
            folder,
            settings,
            {row.series: row for row in _rows(folder, layout.EXCLUDED_SERIES, SeriesRow)},
            _rows(folder, layout.SCANS, ScanRow),
            {row.patient_id: row.participant for row in _rows(folder, layout.PARTICIPANTS_KEY, KeyRow)},
            _rows(folder, layout.WORKSHEET, WorksheetRow),
        )
        for name in written.series:
            written._names[name.split("_")[0]].append(name)
        return written

    def index(self, name: str) -> list[IndexRow]:
        return read_index(self.folder, name)

    def header(self, name: str) -> Header | None:
        """The first header of an indexed series."""
        return first_header(self.index(name))

    def first_image(self, name: str) -> SeriesSeen | None:
        """An indexed series by its lowest instance alone."""
        try:
            return from_files(name, sorted(self.index(name), key=lambda row: row.instance)[:1])
        except BadFile:
            return None

    def as_indexed(self, one: SeriesSeen) -> SeriesSeen:
        """A series that was indexed earlier as ingest will read it, which is not what lies in a delivery sent again."""
        rows = {row.instance: row for row in self.index(one.uid)} if one.uid in self.series else {}
        if not rows or rows == one.rows:
            return one
        try:
            return from_files(one.uid, list(rows.values()))
        except BadFile:
            return one

    def parts(self, uid: str) -> dict[str, frozenset[str]]:
        """Candidates that earlier inventories made of a SeriesInstanceUID, with their instances."""
        found = {name: self.index(name) for name in self._names.get(uid, ())}
        return {name: frozenset(row.instance for row in rows) for name, rows in found.items() if rows}

    def acquired(self, name: str) -> datetime | None:
        told = self.series[name].acquired if name in self.series else None
        return datetime.fromisoformat(told) if told else None

    def known(self, fresh: Iterable[SeriesSeen]) -> Known:
        """What a proposal has to go on; of people of whom something new has come the first included visit is read."""
        visits: dict[str, list[Visit]] = {}
        earlier: dict[str, Earlier] = {}
        wanted = {self.labels[one.person] for one in fresh if one.person in self.labels}
        for row in self.scans:
            visits.setdefault(row.participant, []).append(Visit(row.session, self.acquired(row.pet)))
            new = row.participant in wanted and row.participant not in earlier
            if new and row.include == "yes" and (header := self.header(row.pet)):
                earlier[row.participant] = Earlier(Facts.of(header), Reconstruction.of(header))
        return Known(self.labels, visits, earlier)

    def may_be_copied(self, fresh: Iterable[SeriesSeen]) -> list[SeriesSeen]:
        """Series of earlier inventories with as many images of the same time as a fresh one; their headers are read."""
        times = {(one.modality, one.count, one.acquired.isoformat()) for one in fresh if one.acquired}
        names = [row.series for row in self.series.values() if (row.modality, row.instances, row.acquired) in times]
        found = []
        for name in names:
            try:
                found.append(from_files(name, self.index(name)))
            except BadFile:
                continue
        return found

    def same_places(self, deliveries: Sequence[Path], series: Iterable[SeriesSeen]) -> tuple[str, ...]:
        """Deliveries that were seen where they are now: how the names of their files begin."""
        paths = {Path(row.path) for one in series if one.uid in self.series for row in self.index(one.uid)[:1]}
        roots = [delivery.resolve() for delivery in deliveries]
        return tuple(f"{root.name}/" for root in roots if any(path.is_relative_to(root) for path in paths))


def _rows(study: Path, template: str, kind: type) -> list:  # type: ignore[type-arg]
    path = layout.path(template, study)
    return read_rows(path, kind) if path.is_file() else []
