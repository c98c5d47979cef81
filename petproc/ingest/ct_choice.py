"""Which CT belongs to a PET: of its study and time, on its frame of reference, covering it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from petproc.ingest.reconstruction import preferred
from petproc.ingest.seen import SeriesSeen

SAME_DAY_S = 6 * 3600.0
"""Acquisitions on two dates but within this time are still of one visit (over midnight)."""
COVERS = 0.8
"""A CT that covers this share of the PET is good enough for time to decide between several."""


def same_day(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.date() == other.date() or abs((one - other).total_seconds()) <= SAME_DAY_S


def ct_of(pet: SeriesSeen, cts: Sequence[SeriesSeen], *, prefer: Sequence[str]) -> tuple[SeriesSeen | None, str]:
    """The CT and why it was chosen, in words."""
    suitable = [ct for ct in cts if _may_belong(pet, ct)]
    if not suitable:
        return None, "none in this delivery is of this study or day and overlaps the PET"
    ct = min(suitable, key=lambda one: (*_distance(pet, one), preferred(one, prefer), *_finest(one)))
    return ct, _why(pet, ct, len(suitable))


def covered(pet: SeriesSeen, ct: SeriesSeen) -> float:
    """Share of the PET's length along z that the CT covers."""
    shared = min(pet.high_mm, ct.high_mm) - max(pet.low_mm, ct.low_mm)
    return max(0.0, shared) / pet.length_mm


def _same(keyword: str, pet: SeriesSeen, ct: SeriesSeen) -> bool:
    return bool(pet.tag(keyword)) and pet.tag(keyword) == ct.tag(keyword)


def _may_belong(pet: SeriesSeen, ct: SeriesSeen) -> bool:
    """Two visits may share one study, so that where times are known the day has to be the same."""
    timed = pet.acquired and ct.acquired
    near = same_day(pet.acquired, ct.acquired) if timed else _same("StudyInstanceUID", pet, ct)
    return near and covered(pet, ct) > 0


def _minutes(pet: SeriesSeen, ct: SeriesSeen) -> float:
    if pet.acquired is None or ct.acquired is None:
        return float("inf")
    return (ct.acquired - pet.acquired).total_seconds() / 60.0


def _distance(pet: SeriesSeen, ct: SeriesSeen) -> tuple[bool, bool, float, float, bool]:
    share = covered(pet, ct)
    return (
        not _same("StudyInstanceUID", pet, ct),
        not _same("FrameOfReferenceUID", pet, ct),
        0.0 if share >= COVERS else 1.0 - share,
        round(abs(_minutes(pet, ct))) if _minutes(pet, ct) < float("inf") else float("inf"),
        "DERIVED" in ct.tags["ImageType"],
    )


def _finest(ct: SeriesSeen) -> tuple[float, int, str]:
    """The longest first, then the one with most slices."""
    return -round(ct.length_mm), -ct.count, ct.uid


def _why(pet: SeriesSeen, ct: SeriesSeen, count: int) -> str:
    words = ["same study" if _same("StudyInstanceUID", pet, ct) else "another study of the same participant and day"]
    words.append("same frame of reference" if _same("FrameOfReferenceUID", pet, ct) else "another frame of reference")
    minutes = _minutes(pet, ct)
    if abs(minutes) != float("inf"):
        words.append(f"{abs(minutes):.0f} min {'before' if minutes <= 0 else 'after'} the PET")
    words.append(f"covers {100 * covered(pet, ct):.0f} % of it")
    if count > 1:
        words.append(f"chosen among {count}")
    return ", ".join(words)
