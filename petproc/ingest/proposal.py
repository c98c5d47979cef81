"""From all series of a delivery to rows of `scans.tsv`: participants, sessions, and what earlier rows already say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from petproc.core.tables import ScanRow
from petproc.ingest.choice import Choice, LeftOut, choose, same_start
from petproc.ingest.contradictions import Facts, contradictions, two_people
from petproc.ingest.ct_choice import same_day
from petproc.ingest.ledger import EMPTY
from petproc.ingest.people import new_labels, next_session
from petproc.ingest.reconstruction import Reconstruction
from petproc.ingest.seen import SeriesSeen, sorted_series
from petproc.ingest.suitable import not_a_volume
from petproc.ingest.tracers import other_tracer

LISTED = "another reconstruction of an acquisition that is in the table"
OTHER_TRACER = "othertracer"
"""Session of a PET that is not of the study's tracer, so that it takes no visit's name."""


@dataclass(frozen=True)
class Visit:
    """A session that `scans.tsv` already holds."""

    session: str
    acquired: datetime | None


@dataclass(frozen=True)
class Earlier:
    """What the first visit of a participant, who has one in the table, says of the person and of the image."""

    facts: Facts
    reconstruction: Reconstruction


@dataclass(frozen=True)
class Known:
    """What earlier inventories and reviewers have written: people -> label, label -> visits in the table's order."""

    labels: Mapping[str, str] = field(default_factory=dict)
    visits: Mapping[str, Sequence[Visit]] = field(default_factory=dict)
    earlier: Mapping[str, Earlier] = field(default_factory=dict)


@dataclass(frozen=True)
class Terms:
    """What the study says about choosing."""

    tracer: str
    prefer: Sequence[str] = ()
    keep_ids: bool = False


@dataclass(frozen=True)
class Proposal:
    scans: tuple[ScanRow, ...]
    labels: Mapping[str, str]
    """people who are new -> label"""
    roles: Mapping[str, tuple[str, str]]
    """series -> role (pet, ct, left out) and reason"""


def propose(series: Sequence[SeriesSeen], *, known: Known, terms: Terms) -> Proposal:
    """Rows for every PET of the delivery; the order of the files has no influence."""
    roles: dict[str, tuple[str, str]] = {}
    volumes: list[SeriesSeen] = []
    for one in sorted_series(series):
        if why := not_a_volume(one):
            roles[one.uid] = ("left out", why)
        else:
            volumes.append(one)
    chosen: dict[str, list[Choice]] = {}
    for person in dict.fromkeys(one.person for one in volumes):
        theirs = [one for one in volumes if one.person == person]
        label = known.labels.get(person, "")
        fresh = [one for one in theirs if not _is_listed(one, known.visits.get(label, ()))]
        roles |= {one.uid: ("left out", LISTED) for one in theirs if one not in fresh}
        choices, left_out = _choices(fresh, known.earlier.get(label), terms)
        roles |= {entry.series.uid: ("left out", entry.reason) for entry in left_out}
        if choices:
            chosen[person] = choices
    people = sorted(chosen, key=lambda person: (_first_day(chosen[person]), person))
    labels = new_labels(people, known.labels, used=known.visits, keep_ids=terms.keep_ids)
    scans: list[ScanRow] = []
    for person in people:
        label = known.labels.get(person) or labels[person]
        rows = _rows(label, chosen[person], known, terms.tracer)
        for choice, row in zip(chosen[person], rows, strict=True):
            scans.append(row)
            roles[choice.pet.uid] = ("pet", f"{label} {row.session}")
            if choice.ct:
                roles[choice.ct.uid] = ("ct", f"{label} {row.session}")
    return Proposal(tuple(scans), labels, roles)


def _is_listed(one: SeriesSeen, visits: Sequence[Visit]) -> bool:
    """Whether a PET is of an acquisition that a row has already."""
    times = [visit.acquired for visit in visits if visit.acquired]
    return one.modality == "PT" and any(one.acquired and same_start(one.acquired, time) for time in times)


def _choices(series: Sequence[SeriesSeen], earlier: Earlier | None, terms: Terms) -> tuple[list[Choice], list[LeftOut]]:
    """The scans of one participant: those of the study's tracer first, then PETs of another, each by time."""
    pets, cts = ([one for one in series if one.modality == modality] for modality in ("PT", "CT"))
    others = {pet.uid: why for pet in pets if (why := other_tracer(pet.first_header, terms.tracer))}
    made = [earlier.reconstruction] if earlier else []
    study = [pet for pet in pets if pet.uid not in others]
    choices, left_out = choose(study, cts, prefer=terms.prefer, earlier=made)
    foreign, left_out_too = choose([pet for pet in pets if pet.uid in others], cts, prefer=terms.prefer)
    choices += [replace(choice, other_tracer=others[choice.pet.uid]) for choice in foreign]
    return choices, left_out + [one for one in left_out_too if one.series.modality == "PT"]


def _first_day(choices: Sequence[Choice]) -> str:
    return min((choice.pet.acquired.date().isoformat() if choice.pet.acquired else "~") for choice in choices)


def _rows(label: str, choices: Sequence[Choice], known: Known, tracer: str) -> list[ScanRow]:
    visits = list(known.visits.get(label, ()))
    earlier = known.earlier.get(label)
    first = earlier.facts if earlier else Facts.of(choices[0].pet)
    rows = []
    for choice in choices:
        session, include, remark = _session(choice, visits)
        if two_people(contradictions("", "", Facts.of(choice.pet), first)):
            include, remark = "no", f"by its tags another person than at the first visit; {remark}"
        visits.append(Visit(session, choice.pet.acquired))
        rows.append(
            ScanRow(
                participant=label,
                session=session,
                tracer=tracer,
                pet=choice.pet.uid,
                ct=choice.ct.uid if choice.ct else EMPTY,
                include=include,
                reason=remark + choice.reason,
            )
        )
    return rows


def _session(choice: Choice, visits: Sequence[Visit]) -> tuple[str, str, str]:
    """Session, include and a remark for the reason."""
    used = [visit.session for visit in visits]
    if choice.other_tracer:
        return _numbered(OTHER_TRACER, used), "no", f"not the study's tracer: {choice.other_tracer}; "
    acquired = choice.pet.acquired
    own = [visit for visit in visits if not visit.session.startswith(OTHER_TRACER)]
    today = [visit for visit in own if acquired and visit.acquired and same_day(visit.acquired, acquired)]
    if today:
        remark = "" if choice.repeat else "second PET/CT of the same day; "
        return _numbered(f"{today[0].session}repeat", used), "no", remark
    sessions = [visit.session for visit in own if "repeat" not in visit.session]
    name = next_session(sessions)
    late = [visit.session for visit in own if acquired and visit.acquired and visit.acquired > acquired]
    if late:
        return name, "no", f"acquired before {late[0]}, which has its name already: review the sessions; "
    return name, "yes", ""


def _numbered(name: str, used: Sequence[str]) -> str:
    number = sum(session.startswith(name) for session in used) + 1
    return f"{name}{number if number > 1 else ''}"
