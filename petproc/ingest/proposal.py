"""From all series of a delivery to rows of `scans.tsv`: participants, sessions, and what earlier rows already say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from petproc.core.tables import ScanRow
from petproc.ingest.choice import Choice, choose, same_day
from petproc.ingest.people import new_labels, next_session
from petproc.ingest.seen import SeriesSeen, sorted_series

NO_CT = "n/a"


@dataclass(frozen=True)
class Visit:
    """A session that `scans.tsv` already holds."""

    session: str
    acquired: datetime | None


@dataclass(frozen=True)
class Known:
    """What earlier inventories and reviewers have written: people -> label, label -> visits in the table's order."""

    labels: Mapping[str, str] = field(default_factory=dict)
    visits: Mapping[str, Sequence[Visit]] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    scans: tuple[ScanRow, ...]
    labels: Mapping[str, str]
    """people who are new -> label"""
    roles: Mapping[str, tuple[str, str]]
    """series -> role (pet, ct, left out) and reason"""


def propose(series: Sequence[SeriesSeen], *, known: Known, tracer: str, keep_ids: bool) -> Proposal:
    """Rows for every PET of the delivery; the order of the files has no influence."""
    roles: dict[str, tuple[str, str]] = {}
    volumes: list[SeriesSeen] = []
    for one in sorted_series(series):
        if why := one.not_a_volume():
            roles[one.uid] = ("left out", why)
        else:
            volumes.append(one)
    chosen: dict[str, list[Choice]] = {}
    for person in dict.fromkeys(one.person for one in volumes):
        theirs = [one for one in volumes if one.person == person]
        choices, left_out = choose(_of(theirs, "PT"), _of(theirs, "CT"))
        roles |= {entry.series.uid: ("left out", entry.reason) for entry in left_out}
        if choices:
            chosen[person] = choices
    people = sorted(chosen, key=lambda person: (_first_day(chosen[person]), person))
    labels = new_labels(people, known.labels, used=known.visits, keep_ids=keep_ids)
    scans: list[ScanRow] = []
    for person in people:
        label = known.labels.get(person) or labels[person]
        rows = _rows(label, chosen[person], known.visits.get(label, ()), tracer)
        for choice, row in zip(chosen[person], rows, strict=True):
            scans.append(row)
            roles[choice.pet.uid] = ("pet", f"{label} {row.session}")
            if choice.ct:
                roles[choice.ct.uid] = ("ct", f"{label} {row.session}")
    return Proposal(tuple(scans), labels, roles)


def _of(series: Sequence[SeriesSeen], modality: str) -> list[SeriesSeen]:
    return [one for one in series if one.modality == modality]


def _first_day(choices: Sequence[Choice]) -> str:
    return min((choice.pet.acquired.date().isoformat() if choice.pet.acquired else "~") for choice in choices)


def _rows(label: str, choices: Sequence[Choice], earlier: Sequence[Visit], tracer: str) -> list[ScanRow]:
    visits = list(earlier)
    rows = []
    for choice in choices:
        session, include, remark = _session(choice, visits)
        visits.append(Visit(session, choice.pet.acquired))
        rows.append(
            ScanRow(
                participant=label,
                session=session,
                tracer=tracer,
                pet=choice.pet.uid,
                ct=choice.ct.uid if choice.ct else NO_CT,
                include=include,
                reason=remark + choice.reason,
            )
        )
    return rows


def _session(choice: Choice, visits: Sequence[Visit]) -> tuple[str, str, str]:
    """Session, include and a remark for the reason."""
    used = [visit.session for visit in visits]
    acquired = choice.pet.acquired
    today = [visit for visit in visits if acquired and visit.acquired and same_day(visit.acquired, acquired)]
    if today:
        number = sum(session.startswith(f"{today[0].session}repeat") for session in used) + 1
        remark = "" if choice.repeat else "second PET/CT of the same day; "
        return f"{today[0].session}repeat{number if number > 1 else ''}", "no", remark
    sessions = [session for session in used if "repeat" not in session]
    name = next_session(sessions)
    late = [visit.session for visit in visits if acquired and visit.acquired and visit.acquired > acquired]
    if late:
        return name, "no", f"acquired before {late[0]}, which has its name already: review the sessions; "
    return name, "yes", ""
