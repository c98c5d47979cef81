"""Which PETs of a participant make scans: pure choices over what the headers say, each with its reason in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from petproc.ingest.ct_choice import COVERS, ct_of, same_day
from petproc.ingest.reconstruction import Reconstruction, alike, preferred
from petproc.ingest.seen import SeriesSeen, sorted_series
from petproc.ingest.suitable import FRAMES, Quality, quality

SAME_ACQUISITION_S = 60.0
"""Two PET series that start within this time are reconstructions of one acquisition."""


@dataclass(frozen=True)
class Choice:
    """A proposed scan. `repeat` where it is not the first PET/CT of its day."""

    pet: SeriesSeen
    ct: SeriesSeen | None
    reason: str
    repeat: bool = False
    other_tracer: str | None = None
    """why it is not a scan of this study; empty where it is"""


@dataclass(frozen=True)
class LeftOut:
    series: SeriesSeen
    reason: str


Acquisition = list[SeriesSeen]
"""Reconstructions of one acquisition, best first."""


def choose(
    pets: Sequence[SeriesSeen],
    cts: Sequence[SeriesSeen],
    *,
    prefer: Sequence[str] = (),
    earlier: Sequence[Reconstruction] = (),
) -> tuple[list[Choice], list[LeftOut]]:
    """The scans of one participant from its PET and CT volumes, by time, and what was left out.

    `prefer` are the words of `inventory.prefer`, `earlier` the reconstructions at visits that are in the table.
    """
    left_out: list[LeftOut] = []
    days: list[list[Acquisition]] = []
    for pets_of_day in _days(pets):
        good, worse = _best_of_day(pets_of_day)
        left_out += worse
        days.append(sorted(_acquisitions(good, prefer, left_out), key=lambda one: _preference(one[0])))
    firsts = alike([day[0] for day in days], prefer=prefer, earlier=earlier)
    chosen: list[Choice] = []
    for day, first in zip(days, firsts, strict=True):
        taken = [first, *(acquisition[0] for acquisition in day[1:])]
        chosen += [_with_ct(pet, cts, prefer=prefer, repeat=n > 0) for n, pet in enumerate(taken)]
        words = "another reconstruction of an acquisition that was chosen"
        left_out += [LeftOut(pet, words) for some in day for pet in some if pet not in taken]
    used = {choice.ct.uid for choice in chosen if choice.ct}
    left_out += [LeftOut(ct, "not the CT of a chosen PET") for ct in cts if ct.uid not in used]
    return chosen, left_out


def _days(pets: Sequence[SeriesSeen]) -> list[list[SeriesSeen]]:
    days: list[list[SeriesSeen]] = []
    for pet in sorted_series(pets):
        if days and same_day(days[-1][0].acquired, pet.acquired):
            days[-1].append(pet)
        else:
            days.append([pet])
    return days


def _best_of_day(day: Sequence[SeriesSeen]) -> tuple[list[SeriesSeen], list[LeftOut]]:
    """Every PET in units that can be measured; where there is none, those that come nearest to it."""
    found = {pet.uid: quality(pet) for pet in day}
    best = min(_worth(one) for one in found.values())
    good = [pet for pet in day if _worth(found[pet.uid]) == best]
    words = "a better PET of this day was chosen"
    return good, [LeftOut(pet, f"{found[pet.uid].words}; {words}") for pet in day if pet not in good]


def _worth(one: Quality) -> int:
    return max(one.rank, FRAMES - 1)


def _acquisitions(pets: Sequence[SeriesSeen], prefer: Sequence[str], left_out: list[LeftOut]) -> list[Acquisition]:
    """Reconstructions of one acquisition together; of each acquisition those in the best units and of full length."""
    together: list[Acquisition] = []
    for pet in sorted_series(pets):
        same = next((some for some in together if any(_same_acquisition(pet, other) for other in some)), None)
        if same is None:
            together.append([pet])
        else:
            same.append(pet)
    return [_best(some, prefer, left_out) for some in together]


def _best(acquisition: Acquisition, prefer: Sequence[str], left_out: list[LeftOut]) -> Acquisition:
    best = min(quality(pet).rank for pet in acquisition)
    units = [pet for pet in acquisition if quality(pet).rank == best]
    longest = max(pet.length_mm for pet in units)
    full = [pet for pet in units if pet.length_mm >= COVERS * longest or preferred(pet, prefer) < len(prefer)]
    for pet in acquisition:
        if pet not in full:
            words = "a part of the body only" if pet in units else quality(pet).words
            left_out.append(LeftOut(pet, f"{words}; another reconstruction of this acquisition was chosen"))
    return sorted(full, key=lambda pet: (preferred(pet, prefer), _preference(pet)))


def _preference(pet: SeriesSeen) -> tuple[int, bool, int, float, int, str]:
    """The longest first; then original, most slices, earliest, lowest series number."""
    number = pet.tag("SeriesNumber")
    return (
        -round(pet.length_mm),
        "DERIVED" in pet.tags["ImageType"],
        -pet.count,
        pet.acquired.timestamp() if pet.acquired else 0.0,
        int(number) if number.isdecimal() else 0,
        pet.uid,
    )


def _same_acquisition(one: SeriesSeen, other: SeriesSeen) -> bool:
    """Starting together, or one within the time of the other: a part of its beds reconstructed again."""
    if not (one.acquired and other.acquired and one.last_acquired and other.last_acquired):
        return one.tag("StudyInstanceUID") == other.tag("StudyInstanceUID")
    if same_start(one.acquired, other.acquired):
        return True
    return max(one.acquired, other.acquired) <= min(one.last_acquired, other.last_acquired)


def same_start(one: datetime, other: datetime) -> bool:
    return abs((one - other).total_seconds()) <= SAME_ACQUISITION_S


def _with_ct(pet: SeriesSeen, cts: Sequence[SeriesSeen], *, prefer: Sequence[str], repeat: bool) -> Choice:
    kind = quality(pet)
    words = f"PET: {kind.words}, {pet.count} slices over {pet.length_mm:.0f} mm"
    if kind.rank > FRAMES:
        words += ", the best of this day though it is no measurement of activity: ingest will refuse it"
    if repeat:
        words = f"second PET/CT of the same day; {words}"
    ct, why = ct_of(pet, cts, prefer=prefer)
    return Choice(pet, ct, f"{words}. CT: {why}", repeat)
