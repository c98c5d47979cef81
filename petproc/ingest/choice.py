"""Which PET and which CT make a scan: pure choices over what the headers say, each with its reason in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from petproc.ingest.seen import SeriesSeen

SAME_ACQUISITION_S = 60.0
"""Two PET series that start within this time are reconstructions of one acquisition."""
SAME_DAY_S = 6 * 3600.0
"""Acquisitions on two dates but within this time are still of one visit (over midnight)."""
COVERS = 0.8
"""A CT that covers this share of the PET is good enough for time to decide between several."""


@dataclass(frozen=True)
class Choice:
    """A proposed scan. `repeat` where it is not the first PET/CT of its day."""

    pet: SeriesSeen
    ct: SeriesSeen | None
    reason: str
    repeat: bool = False


@dataclass(frozen=True)
class LeftOut:
    series: SeriesSeen
    reason: str


def same_day(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.date() == other.date() or abs((one - other).total_seconds()) <= SAME_DAY_S


def quality(pet: SeriesSeen) -> tuple[int, str]:
    """Rank of a PET (0 is best) and what it is in words."""
    units = pet.tag("Units") or "unknown units"
    corrected = "ATTN" in pet.tags["CorrectedImage"] and not pet.tag("AttenuationCorrectionMethod").upper().startswith(
        "NONE"
    )
    if "DYNAMIC" in pet.tags["SeriesType"] or "GATED" in pet.tags["SeriesType"]:
        return 3, f"{pet.tag('SeriesType').lower()} PET"
    if corrected and units == "BQML":
        return 0, "attenuation-corrected, BQML"
    if corrected and units in ("GML", "CM2ML", "CNTS"):
        return 1, f"attenuation-corrected, {units}"
    return 2, "not attenuation-corrected" if not corrected else f"not activity ({units})"


def choose(pets: Sequence[SeriesSeen], cts: Sequence[SeriesSeen]) -> tuple[list[Choice], list[LeftOut]]:
    """The scans of one participant from its PET and CT volumes, by time, and what was left out."""
    chosen: list[Choice] = []
    left_out: list[LeftOut] = []
    for day in _days(pets):
        best = min(quality(pet)[0] for pet in day)
        left_out += [
            LeftOut(pet, f"{quality(pet)[1]}; a better PET of this day was chosen")
            for pet in day
            if quality(pet)[0] > best
        ]
        good = sorted((pet for pet in day if quality(pet)[0] == best), key=_preference)
        firsts: list[SeriesSeen] = []
        for pet in good:
            if any(_same_acquisition(pet, first) for first in firsts):
                left_out.append(LeftOut(pet, "another reconstruction of an acquisition that was chosen"))
            else:
                firsts.append(pet)
        chosen += [_with_ct(pet, cts, repeat=n > 0) for n, pet in enumerate(firsts)]
    taken = {choice.ct.uid for choice in chosen if choice.ct}
    left_out += [LeftOut(ct, "not the CT of a chosen PET") for ct in cts if ct.uid not in taken]
    return chosen, left_out


def _days(pets: Sequence[SeriesSeen]) -> list[list[SeriesSeen]]:
    days: list[list[SeriesSeen]] = []
    for pet in pets:
        if days and same_day(days[-1][0].acquired, pet.acquired):
            days[-1].append(pet)
        else:
            days.append([pet])
    return days


def _preference(pet: SeriesSeen) -> tuple[float, int, float, int, str]:
    """The longest first; then most slices, earliest, lowest series number."""
    number = pet.tag("SeriesNumber")
    return (
        -round(pet.length_mm),
        -len(pet.instances),
        pet.acquired.timestamp() if pet.acquired else 0.0,
        int(number) if number.isdecimal() else 0,
        pet.uid,
    )


def _same_acquisition(one: SeriesSeen, other: SeriesSeen) -> bool:
    if one.acquired is None or other.acquired is None:
        return one.tag("StudyInstanceUID") == other.tag("StudyInstanceUID")
    return abs((one.acquired - other.acquired).total_seconds()) <= SAME_ACQUISITION_S


def _with_ct(pet: SeriesSeen, cts: Sequence[SeriesSeen], *, repeat: bool) -> Choice:
    rank, kind = quality(pet)
    words = f"PET: {kind}, {len(pet.instances)} slices over {pet.length_mm:.0f} mm"
    if rank:
        words += ", the best of this day though ingest will refuse it"
    if repeat:
        words = f"second PET/CT of the same day; {words}"
    suitable = [ct for ct in cts if _may_belong(pet, ct)]
    if not suitable:
        return Choice(
            pet, None, f"{words}. CT: none in this delivery is of this study or day and overlaps the PET", repeat
        )
    ct = min(suitable, key=lambda one: _distance(pet, one))
    return Choice(pet, ct, f"{words}. CT: {_why(pet, ct, len(suitable))}", repeat)


def covered(pet: SeriesSeen, ct: SeriesSeen) -> float:
    """Share of the PET's length along z that the CT covers."""
    shared = min(pet.high_mm, ct.high_mm) - max(pet.low_mm, ct.low_mm)
    return max(0.0, shared) / pet.length_mm


def _same(keyword: str, pet: SeriesSeen, ct: SeriesSeen) -> bool:
    return bool(pet.tag(keyword)) and pet.tag(keyword) == ct.tag(keyword)


def _may_belong(pet: SeriesSeen, ct: SeriesSeen) -> bool:
    near = same_day(pet.acquired, ct.acquired) and pet.acquired is not None
    return covered(pet, ct) > 0 and (near or _same("StudyInstanceUID", pet, ct))


def _minutes(pet: SeriesSeen, ct: SeriesSeen) -> float:
    if pet.acquired is None or ct.acquired is None:
        return float("inf")
    return (ct.acquired - pet.acquired).total_seconds() / 60.0


def _distance(pet: SeriesSeen, ct: SeriesSeen) -> tuple[bool, bool, float, float, float, str]:
    share = covered(pet, ct)
    return (
        not _same("StudyInstanceUID", pet, ct),
        not _same("FrameOfReferenceUID", pet, ct),
        0.0 if share >= COVERS else 1.0 - share,
        abs(_minutes(pet, ct)),
        -ct.length_mm,
        ct.uid,
    )


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
