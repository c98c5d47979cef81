"""What is measured as a whole, as sections of the page: the quality of every blood pool, and organs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from petproc.core.measure import BLOOD, BLOOD_RATIO, ORGAN
from petproc.core.regions import ORGANS
from petproc.core.tables import ChangeRow, UptakeRow


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
class OrganSection:
    """Rows of one organ by metric, for every participant."""

    region: str
    participants: Sequence[tuple[str, Mapping[str, ChangeRow]]]


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


def organs(change: Sequence[ChangeRow], names: Sequence[str]) -> list[OrganSection]:
    """A section for each organ among `names` that has rows."""
    sections = []
    for name in names:
        by_participant: dict[str, dict[str, ChangeRow]] = {}
        for row in change:
            if name in ORGANS and row.region == name and row.metric in ORGAN:
                by_participant.setdefault(row.participant, {})[row.metric] = row
        if by_participant:
            sections.append(OrganSection(name, list(by_participant.items())))
    return sections
