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
    if lacking:
        why = "; ".join(f"{', '.join(words)} ({reason})" for reason, words in lacking.items())
        return unknown(row, f"variant-refused: not measured with {why}")
    low_at, high_at = min(values, key=lambda words: values[words]), max(values, key=lambda words: values[words])
    low, high = values[low_at], values[high_at]
    return replace(
        unknown(row, None),
        low=low,
        high=high,
        width=high - low,
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
    widths: dict[tuple[str, str, str], dict[str, float | None]] = {}
    for row in rows:
        widths.setdefault((row.participant, row.region, row.metric), {})[row.session] = row.width

    def one(row: FragilityRow) -> FragilityRow:
        key = (row.participant, row.region, row.metric)
        found = changes.get(key)
        if found is None or row.session not in (BASELINE, FOLLOWUP):
            return row
        both = [widths[key].get(session) for session in (BASELINE, FOLLOWUP)]
        return replace(
            row, index_vessel=found.index_vessel, change=found.change, fragile=is_fragile(found.change, both)
        )

    return [one(row) for row in rows]


def is_fragile(change: float | None, widths: Sequence[float | None]) -> str | None:
    """Yes where one of the intervals is wider than the change, unknown where one that is not known might be."""
    if change is None:
        return None
    if any(width > abs(change) for width in widths if width is not None):
        return "yes"
    return "unknown" if None in widths else "no"
