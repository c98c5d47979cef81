"""What is measured as a whole, as sections of the page: the quality of every blood pool, and organs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from petproc.core.measure import BLOOD, BLOOD_RATIO, ORGAN
from petproc.core.regions import ORGANS
from petproc.core.tables import ChangeRow, UptakeRow

SESSIONS = ("baseline", "followup")


@dataclass(frozen=True)
class PoolRow:
    """A blood pool of a scan: its rows of the uptake table by metric, and the second site or why there is none."""

    participant: str
    session: str
    region: str
    values: Mapping[str, UptakeRow]
    second: str | None
    why: str | None


@dataclass(frozen=True)
class OrganCell:
    """A quantity at both visits, each where it was measured; `why` there is no change."""

    before: float | None
    after: float | None
    change: float | None
    percent: float | None
    why: str | None


@dataclass(frozen=True)
class OrganSection:
    """One organ: of every participant a cell for each quantity in the order of `ORGAN`."""

    region: str
    participants: Sequence[tuple[str, Sequence[OrganCell]]]


def pools(uptake: Sequence[UptakeRow]) -> list[PoolRow]:
    """Every blood pool that was measured."""
    found: dict[tuple[str, str, str], dict[str, UptakeRow]] = {}
    for row in uptake:
        if row.metric in BLOOD:
            found.setdefault((row.participant, row.session, row.region), {})[row.metric] = row
    rows = []
    for key, values in found.items():
        # Without a dose there is no SUV; the pool is measured all the same.
        if any(row.value is not None for row in values.values()):
            ratio = values.get(BLOOD_RATIO)
            second, why = (ratio.background_region, ratio.reason) if ratio else (None, None)
            rows.append(PoolRow(*key, values, second, why))
    return rows


def organs(change: Sequence[ChangeRow], uptake: Sequence[UptakeRow], names: Sequence[str]) -> list[OrganSection]:
    """A section for each organ among `names` that has rows; what one visit alone has is shown too."""
    values = {(row.participant, row.session, row.region, row.metric): row.value for row in uptake}
    sections = []
    for name in (name for name in names if name in ORGANS):
        by_participant: dict[str, dict[str, OrganCell]] = {}
        for row in change:
            if row.region == name and row.metric in ORGAN:
                before, after = (values.get((row.participant, session, name, row.metric)) for session in SESSIONS)
                cell = OrganCell(before, after, row.change, row.percent_change, row.reason)
                by_participant.setdefault(row.participant, {})[row.metric] = cell
        if by_participant:
            rows = [(person, [cells[metric] for metric in ORGAN]) for person, cells in by_participant.items()]
            sections.append(OrganSection(name, rows))
    return sections
