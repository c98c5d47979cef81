"""How firm every number is, and whether a change is more than that, as a section of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from petproc.compare import BASELINE, FOLLOWUP
from petproc.core.tables import FragilityRow

CHIPS = {"yes": ("fragile", "warn"), "no": ("firm", ""), "unknown": ("not known", "no")}
"""How a flag is called, and the kind of its chip."""


@dataclass(frozen=True)
class Firm:
    """A region of a participant at both visits, None where it has no row; `width` is that of the wider interval, at
    least where not both are `known`."""

    participant: str
    region: str
    visits: tuple[FragilityRow | None, FragilityRow | None]
    index_vessel: bool
    change: float | None
    fragile: str | None
    width: float | None
    known: bool

    @property
    def chip(self) -> tuple[str, str] | None:
        return CHIPS[self.fragile] if self.fragile else None


@dataclass(frozen=True)
class Firmness:
    """All regions, and of them the index vessels; participants whose index vessel's change is fragile."""

    regions: Sequence[Firm]
    index: Sequence[Firm]
    fragile: frozenset[str]


def firmness(rows: Sequence[FragilityRow], metric: str) -> Firmness:
    """Of one metric, in the order of the table."""
    found: dict[tuple[str, str], dict[str, FragilityRow]] = {}
    for row in rows:
        if row.metric == metric:
            found.setdefault((row.participant, row.region), {})[row.session] = row
    regions = [_firm(*place, visits) for place, visits in found.items()]
    index = [one for one in regions if one.index_vessel]
    return Firmness(regions, index, frozenset(one.participant for one in index if one.fragile == "yes"))


def _firm(participant: str, region: str, visits: dict[str, FragilityRow]) -> Firm:
    both = (visits.get(BASELINE), visits.get(FOLLOWUP))
    known = [row for row in both if row]
    first = known[0] if known else None
    return Firm(
        participant,
        region,
        both,
        bool(first and first.index_vessel),
        first.change if first else None,
        first.fragile if first else None,
        max((row.at_least for row in known if row.at_least is not None), default=None),
        all(row and row.width is not None for row in both),
    )
