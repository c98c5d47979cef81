"""The index vessel: the candidate with the highest metric at baseline, chosen once and kept whatever follows.

It is chosen from the whole vessel as measured at baseline; neither the follow-up nor the matching has a say. Where a
candidate is not measured there is no choice: the hottest of those left may not be the hottest of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from petproc.core.errors import Finding
from petproc.core.tables import UptakeRow
from petproc.settings import CompareSettings

INDEX_VESSEL = "index_vessel"
"""Region under which the index vessel's rows stand in the change table."""
MARGIN_WARN = 0.05


@dataclass(frozen=True)
class IndexChoice:
    """`region` is the index vessel; None where a candidate is not measured, and `reason` names it.

    `candidates` holds every candidate's value at baseline; `margin` is the distance from the highest to the next.
    """

    participant: str
    region: str | None
    metric: str
    candidates: Mapping[str, float | None]
    margin: float | None
    status: Literal["measured", "incomplete_candidates"]
    reason: str | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def choose_index(
    participant: str, baseline: Mapping[tuple[str, str], UptakeRow], settings: CompareSettings
) -> IndexChoice:
    """From the baseline's rows by (region, metric); of equal candidates the first named."""
    metric = settings.index_metric
    rows = {region: baseline.get((region, metric)) for region in settings.index_candidates}
    values = {region: None if row is None else row.value for region, row in rows.items()}
    if lacking := [region for region, value in values.items() if value is None]:
        words = "; ".join(f"{region} is not measured at baseline ({_why(rows[region])})" for region in lacking)
        return IndexChoice(participant, None, metric, values, None, "incomplete_candidates", words)
    measured = {region: value for region, value in values.items() if value is not None}
    ranked = sorted(measured, key=lambda region: -measured[region])
    margin = measured[ranked[0]] - measured[ranked[1]] if len(ranked) > 1 else None
    return IndexChoice(participant, ranked[0], metric, values, margin, "measured", None)


def _why(row: UptakeRow | None) -> str:
    return (row.reason or row.status) if row else "no baseline"


def index_findings(choice: IndexChoice) -> list[Finding]:
    if choice.region is None or choice.margin is None or choice.margin >= MARGIN_WARN:
        return []
    return [
        Finding(
            "index-margin-small",
            f"{choice.region} leads the next candidate by {choice.margin:.3f} only: noise may have chosen it.",
        )
    ]
