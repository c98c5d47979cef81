"""What a later delivery brings for scans that are in the table: rows are never changed, a person enters it."""

from __future__ import annotations

from collections.abc import Mapping

from petproc import layout
from petproc.core.errors import Finding
from petproc.ingest.choice import same_start
from petproc.ingest.ct_choice import covered, same_day
from petproc.ingest.ledger import EMPTY
from petproc.ingest.queries import Noted
from petproc.ingest.review import Table
from petproc.ingest.seen import SeriesSeen
from petproc.ingest.suitable import FRAMES, not_a_volume, quality


def late_cts(table: Table, seen: Mapping[str, SeriesSeen], labels: Mapping[str, str]) -> list[Noted]:
    """CTs for rows of earlier inventories that have none: a person enters them."""
    waiting = [row for row in table.scans if row.ct == EMPTY and row.include == "yes"]
    noted = []
    for ct in (one for one in seen.values() if one.modality == "CT" and waiting and not not_a_volume(one)):
        for row in waiting:
            time = table.acquired(row.pet)
            pet = seen.get(row.pet)
            if labels.get(ct.person) != row.participant or (pet and pet.length_mm and not covered(pet, ct)):
                continue
            if time and same_day(time, ct.acquired):
                scan = layout.scan_name(row.participant, row.session)
                words = f"This CT came later than the PET of {scan}, which has none: enter it in the column ct."
                noted.append(Noted(ct.uid, Finding("ct-came-later", words), scan))
    return noted


def late_pets(table: Table, seen: Mapping[str, SeriesSeen], labels: Mapping[str, str]) -> list[Noted]:
    """PETs of an acquisition for which the table has a worse one from an earlier inventory: a person enters them."""
    listed = {row.pet for row in table.scans}
    noted = []
    for pet in (one for one in seen.values() if one.modality == "PT" and one.uid not in listed):
        rank = quality(pet).rank
        if rank >= FRAMES or not_a_volume(pet):
            continue
        for row in (row for row in table.scans if labels.get(pet.person) == row.participant):
            time = table.acquired(row.pet)
            if not (time and pet.acquired and same_start(time, pet.acquired)):
                continue
            old = table.first_image(row.pet)
            if old and quality(old).rank > rank:
                scan = layout.scan_name(row.participant, row.session)
                words = (
                    f"This PET came later than that of {scan} and can be measured better: enter it in the column pet."
                )
                noted.append(Noted(pet.uid, Finding("pet-came-later", words), scan))
    return noted
