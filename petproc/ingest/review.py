"""What is noticed about the scans of the table whose series are in a delivery: asked anew at every inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from petproc import layout
from petproc.core.acquisition import TAG_OF
from petproc.core.errors import Finding
from petproc.core.tables import ScanRow, WorksheetRow
from petproc.dicom.header import Header
from petproc.ingest.contradictions import Facts, contradictions
from petproc.ingest.ct_choice import same_day
from petproc.ingest.ledger import EMPTY
from petproc.ingest.preview import preview, preview_ct
from petproc.ingest.queries import FindingRow, Noted
from petproc.ingest.reconstruction import Reconstruction
from petproc.ingest.seen import SeriesSeen
from petproc.ingest.suitable import SAID_UNCORRECTED, quality
from petproc.ingest.tellable import value_of
from petproc.ingest.tracers import other_tracer
from petproc.settings import IngestSettings

WHY_EXCLUDED = (
    *("other-tracer", "participant-sex-differs", "participant-birth-date-differs", "participant-name-differs"),
    "same-scan-under-two-ids",
)
"""Findings that are asked of an excluded scan too: by them it may come back, or go to somebody else."""
_WORKSHEET = {
    "injected_activity_bq": "dose_mbq",
    "injection_time": "injection_time",
    "weight_kg": "weight_kg",
    "height_m": "height_cm",
    "sex": "sex",
}
"""Quantity -> the column of the worksheet that answers for it."""


@dataclass(frozen=True)
class Table:
    """The scans of the study, and what else answers a query."""

    scans: Sequence[ScanRow]
    worksheet: Sequence[WorksheetRow]
    header_of: Callable[[str], Header | None]
    """first header of an indexed series"""
    acquired: Callable[[str], datetime | None]
    """when a series that an earlier inventory saw was acquired"""
    first_image: Callable[[str], SeriesSeen | None]
    """an indexed series by one image"""

    def of(self, row: FindingRow) -> ScanRow | None:
        """The scan whose PET or CT is the subject of a finding, by whatever name it now goes."""
        return next((one for one in self.scans if row.subject in (one.pet, one.ct)), None)

    def settles(self, row: FindingRow) -> bool:
        """Whether the table or the worksheet has answered an open finding."""
        if row.code in ("ct-came-later", "pet-came-later"):
            return any(row.subject in (one.pet, one.ct) for one in self.scans)
        if row.scan == EMPTY:
            return False
        scan = self.of(row)
        if scan is None or (scan.include == "no" and row.code not in WHY_EXCLUDED):
            return True
        return (row.code == "ct-missing" and scan.ct != EMPTY) or self.answered(row.scan, row.tag)

    def answered(self, scan: str, tag: str) -> bool:
        """Whether the worksheet holds the quantity that a tag should have told."""
        columns = [column for quantity, column in _WORKSHEET.items() if TAG_OF[quantity] == tag]
        return any(
            getattr(row, column) is not None
            for row in self.worksheet
            for column in columns
            if layout.scan_name(row.participant, row.session) == scan
        )


def review(table: Table, seen: Mapping[str, SeriesSeen], settings: IngestSettings) -> list[Noted]:
    """Findings about every scan of the table whose PET is among the series `seen`."""
    noted: list[Noted] = []
    for row in table.scans:
        pet = seen.get(row.pet)
        if pet is None or not pet.count or pet.modality != "PT":
            continue
        scan = layout.scan_name(row.participant, row.session)
        found = [*_identity(table, row, pet, seen.get(row.ct)), *_tracer(pet, scan, settings)]
        if row.include == "yes":
            ct = seen.get(row.ct)
            found += [*_image(table, row, pet), *_pairing(row, pet, ct), *preview(pet, scan, settings)]
            found += preview_ct(ct, scan) if ct and ct.modality == "CT" else []
        noted += [one for one in found if row.include == "yes" or one.finding.code in WHY_EXCLUDED]
    noted = [one for one in noted if one.severity == "refusal" or not table.answered(one.scan, one.tag)]
    return noted + _shared_studies(table.scans, seen)


def _first(table: Table, row: ScanRow) -> ScanRow:
    """The first included scan of the row's participant, in the table's order; the row itself where there is none."""
    theirs = (one for one in table.scans if one.participant == row.participant and one.include == "yes")
    return next(theirs, row)


def _identity(table: Table, row: ScanRow, pet: SeriesSeen, ct: SeriesSeen | None) -> list[Noted]:
    """Contradictions to the participant's first visit, and of the CT to its PET."""
    scan = layout.scan_name(row.participant, row.session)
    facts = Facts.of(pet)
    first = _first(table, row)
    header = table.header_of(first.pet) if first.pet != row.pet else None
    found = contradictions(pet.uid, scan, facts, Facts.of(header)) if header else []
    if ct:
        found += contradictions(ct.uid, scan, Facts.of(ct), facts)
    return found


def _tracer(pet: SeriesSeen, scan: str, settings: IngestSettings) -> list[Noted]:
    why = other_tracer(pet.first_header, settings.tracer)
    if not why:
        return []
    words = f"The PET is not one of the study's tracer: {why}. It is not included."
    return [Noted(pet.uid, Finding("other-tracer", words), scan, "Radiopharmaceutical (0018,0031)")]


def _image(table: Table, row: ScanRow, pet: SeriesSeen) -> list[Noted]:
    """What the choice of the PET leaves to be asked."""
    scan = layout.scan_name(row.participant, row.session)
    found = []
    first = _first(table, row)
    header = table.header_of(first.pet) if first.pet != row.pet and "repeat" not in row.session else None
    differs = Reconstruction.of_series(pet).differs(Reconstruction.of(header)) if header else ()
    if differs:
        words = (
            f"The PET of this visit is reconstructed differently from that of {first.session}: their difference may "
            "be of the reconstruction."
        )
        finding = Finding("reconstruction-differs-between-visits", words)
        found.append(Noted(pet.uid, finding, scan, value=", ".join(differs)))
    if quality(pet).rank == SAID_UNCORRECTED:
        words = (
            "By its description the PET is not attenuation-corrected, but CorrectedImage (0028,0051) lists ATTN. "
            "Please tell whether it is, and send the corrected series."
        )
        finding = Finding("attenuation-correction-unclear", words)
        tag = "CorrectedImage (0028,0051)"
        found.append(Noted(pet.uid, finding, scan, tag, value_of(tag, [pet.first_header])))
    return found


def _pairing(row: ScanRow, pet: SeriesSeen, ct: SeriesSeen | None) -> list[Noted]:
    scan = layout.scan_name(row.participant, row.session)
    if row.ct == EMPTY:
        words = "No CT of this delivery is of the study or day of this PET and overlaps it."
        return [Noted(pet.uid, Finding("ct-missing", words), scan)]
    if ct and pet.tag("StudyInstanceUID") != ct.tag("StudyInstanceUID"):
        words = "PET and CT of this visit are in two studies."
        return [Noted(pet.uid, Finding("visit-over-two-studies", words, "info"), scan, "StudyInstanceUID (0020,000D)")]
    return []


def _shared_studies(scans: Sequence[ScanRow], seen: Mapping[str, SeriesSeen]) -> list[Noted]:
    """Visits of several days inside one StudyInstanceUID."""
    noted = []
    first: dict[str, ScanRow] = {}
    for row in scans:
        if row.pet not in seen or row.include != "yes":
            continue
        study = seen[row.pet].tag("StudyInstanceUID")
        other = first.setdefault(study, row)
        if study and not same_day(seen[row.pet].acquired, seen[other.pet].acquired):
            words = "Two visits are in one study (StudyInstanceUID); they are told apart by the day."
            finding = Finding("visits-share-study", words, "info")
            scan, value = (layout.scan_name(one.participant, one.session) for one in (row, other))
            noted.append(Noted(row.pet, finding, scan, "StudyInstanceUID (0020,000D)", f"as {value}"))
    return noted
