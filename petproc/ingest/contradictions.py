"""Whether the visits of a participant tell of one person: recognised and reported, without telling who it is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from petproc.core.errors import Finding
from petproc.ingest.people import NO_ID
from petproc.ingest.queries import Noted
from petproc.ingest.seen import SeriesSeen

HEIGHT_CHANGE_CM = 5.0
WEIGHT_CHANGE = 0.25
"""Between two visits; more is a typing error or another person (thresholds are ours)."""
WEIGHT_KG, HEIGHT_M = (1.0, 500.0), (0.3, 2.5)
"""Outside, it is no weight or height, which is said elsewhere."""
TWO_PEOPLE = 2
"""Contradictions of identity from which two visits are not proposed as one person's."""
_ID = "PatientID (0010,0020)"
IDENTITY = ("participant-sex-differs", "participant-birth-date-differs", "participant-name-differs")


class Told(Protocol):
    def text(self, keyword: str) -> str | None: ...
    def number(self, keyword: str) -> float | None: ...


@dataclass(frozen=True)
class Facts:
    """What the headers of a visit say of the person."""

    sex: str
    born: str
    name: frozenset[str]
    height_m: float | None
    weight_kg: float | None

    @classmethod
    def of(cls, header: Told) -> Facts:
        sex = (header.text("PatientSex") or "").upper()
        return cls(
            sex if sex in ("M", "F") else "",
            re.sub(r"\D", "", header.text("PatientBirthDate") or ""),
            frozenset(re.findall(r"\w+", (header.text("PatientName") or "").casefold())),
            _within(header.number("PatientSize"), HEIGHT_M),
            _within(header.number("PatientWeight"), WEIGHT_KG),
        )


def contradictions(series: str, scan: str, facts: Facts, first: Facts) -> list[Noted]:
    """What the `facts` of a visit have against those of the participant's first."""
    found = []

    def note(finding: Finding, tag: str, value: str) -> None:
        found.append(Noted(series, finding, scan, tag, value))

    if facts.sex and first.sex and facts.sex != first.sex:
        words = "PatientSex (0010,0040) is not what it is at the participant's first visit."
        note(Finding("participant-sex-differs", words), "PatientSex (0010,0040)", f"{first.sex}, then {facts.sex}")
    if facts.born and first.born and facts.born != first.born:
        words = "PatientBirthDate (0010,0030) is not what it is at the participant's first visit."
        note(Finding("participant-birth-date-differs", words), "PatientBirthDate (0010,0030)", "differs")
    if facts.name and first.name and not (facts.name <= first.name or first.name <= facts.name):
        words = "PatientName (0010,0010) is not what it is at the participant's first visit."
        note(Finding("participant-name-differs", words, "info"), "PatientName (0010,0010)", "differs")
    if facts.height_m and first.height_m and abs(facts.height_m - first.height_m) * 100 > HEIGHT_CHANGE_CM:
        words = f"PatientSize (0010,1020) differs by more than {HEIGHT_CHANGE_CM:g} cm from the first visit."
        value = f"{first.height_m:g} m, then {facts.height_m:g} m"
        note(Finding("participant-height-differs", words), "PatientSize (0010,1020)", value)
    if facts.weight_kg and first.weight_kg and abs(facts.weight_kg / first.weight_kg - 1) > WEIGHT_CHANGE:
        words = f"PatientWeight (0010,1030) differs by more than {WEIGHT_CHANGE:.0%} from the first visit."
        value = f"{first.weight_kg:g} kg, then {facts.weight_kg:g} kg"
        note(Finding("participant-weight-differs", words), "PatientWeight (0010,1030)", value)
    return found


def two_people(found: Iterable[Noted]) -> bool:
    return len({one.finding.code for one in found} & set(IDENTITY)) >= TWO_PEOPLE


def doubtful_ids(series: Iterable[SeriesSeen], known: Iterable[str]) -> list[Noted]:
    """Series without PatientID, and PatientIDs that may be one person's; `known` are those of earlier inventories."""
    noted = []
    pets: dict[str, SeriesSeen] = {}
    for one in series:
        if one.modality in ("PT", "CT") and one.person.startswith(NO_ID):
            words = "The series has no PatientID (0010,0020); each of its studies is taken as a participant of its own."
            noted.append(Noted(one.uid, Finding("patient-id-missing", words), tag=_ID))
        elif one.modality == "PT":
            pets.setdefault(one.person, one)
    for group in alike_ids(pets, known):
        words = (
            f"{len(group)} PatientIDs (0010,0020) differ only by case, spaces, punctuation or leading zeros; they are "
            "taken as different people."
        )
        uids = [pets[person].uid for person in group if person in pets]
        noted += [Noted(uid, Finding("participant-ids-alike", words), tag=_ID, value="differs") for uid in uids]
    return noted


def alike_ids(people: Iterable[str], known: Iterable[str] = ()) -> list[tuple[str, ...]]:
    """PatientIDs that differ only by case, spaces, punctuation or leading zeros; groups with one of `people`."""
    groups: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for person in (*people, *known):
        if key := _plain(person):
            groups[key].add(person)
    new = set(people)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1 and group & new)


def _plain(person: str) -> tuple[str, ...]:
    """Its letters and its numbers in turn, in lower case and without leading zeros."""
    bare = re.sub(r"\s|(?<=[^\W\d_])[\W_]+(?=[^\W\d_])", "", person.casefold())
    return tuple(run.lstrip("0") or "0" for run in re.findall(r"[^\W\d_]+|\d+", bare))


def _within(value: float | None, limits: Sequence[float]) -> float | None:
    return value if value and limits[0] <= value <= limits[1] else None
