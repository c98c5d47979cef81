"""Rows of `fragility.tsv`: from a value and what it would have been to an interval, and from both visits' to a flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from petproc.compare import BASELINE, FOLLOWUP
from petproc.core.tables import ChangeRow, FragilityRow, UptakeRow

AS_MEASURED = "as measured"

Place = tuple[str, str]
"""Region and metric."""
Found = tuple[float | None, str | None]
"""A value, or why there is none."""


def interval(row: UptakeRow, found: Mapping[str, Mapping[Place, Found]]) -> FragilityRow:
    """From the lowest to the highest of a value and of what every variant, by its words, makes of it."""
    if row.value is None:
        return unknown(row, row.reason)
    values, lacking = {AS_MEASURED: row.value}, dict[str, list[str]]()
    for words, of_variant in found.items():
        value, reason = of_variant[row.region, row.metric]
        if value is None:
            lacking.setdefault(reason or "", []).append(words)
        else:
            values[words] = value
    low_at, high_at = min(values, key=lambda words: values[words]), max(values, key=lambda words: values[words])
    low, high = values[low_at], values[high_at]
    if lacking:
        why = "; ".join(f"{', '.join(words)} ({reason})" for reason, words in lacking.items())
        return replace(unknown(row, f"variant-refused: not measured with {why}"), at_least=high - low)
    return replace(
        unknown(row, None),
        low=low,
        high=high,
        width=high - low,
        at_least=high - low,
        low_at=low_at,
        high_at=high_at,
        status="measured",
    )


def unknown(row: UptakeRow, reason: str | None) -> FragilityRow:
    """A row without an interval; of a scan left out or a number refused it keeps the status."""
    return FragilityRow(
        *(row.participant, row.session, row.region, row.metric, row.unit, row.value),
        low=None,
        high=None,
        width=None,
        at_least=None,
        low_at=None,
        high_at=None,
        index_vessel=False,
        change=None,
        fragile=None,
        status="refused" if row.status == "measured" else row.status,
        reason=reason,
    )


def with_changes(rows: Sequence[FragilityRow], change: Sequence[ChangeRow]) -> list[FragilityRow]:
    """Every row with the change that it takes part in, and whether that is narrower than the wider interval."""
    changes = {(row.participant, row.region, row.metric): row for row in change}
    visits: dict[tuple[str, str, str], dict[str, FragilityRow]] = {}
    for row in rows:
        visits.setdefault((row.participant, row.region, row.metric), {})[row.session] = row

    def one(row: FragilityRow) -> FragilityRow:
        key = (row.participant, row.region, row.metric)
        found = changes.get(key)
        if found is None or row.session not in (BASELINE, FOLLOWUP):
            return row
        both = [visits[key].get(session) for session in (BASELINE, FOLLOWUP)]
        known = all(visit is not None and visit.width is not None for visit in both)
        fragile = is_fragile(found.change, [visit.at_least if visit else None for visit in both], known=known)
        return replace(row, index_vessel=found.index_vessel, change=found.change, fragile=fragile)

    return [one(row) for row in rows]


def is_fragile(change: float | None, at_least: Sequence[float | None], *, known: bool = True) -> str | None:
    """Yes where one of the intervals, which are at least so wide, is wider than the change; unknown where one might be,
    since not both are `known` to be no wider."""
    if change is None:
        return None
    if any(width > abs(change) for width in at_least if width is not None):
        return "yes"
    return "no" if known else "unknown"
