"""What differs between two answers to a question, and which one setting makes most of it.

An answer is an analysis as it was made: its settings and its tables. Numbers are compared where both answers have the
same scan, region and metric; what one of them measured and the other refused is listed apart, never as a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from petproc.core.tables import ChangeRow, UptakeRow

INDEX_VESSEL = "index_vessel"
SAME = 1e-12
"""Relative difference below which two numbers are the same."""

Settings = Mapping[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Answer:
    """`settings` as plain values, nested; tables of the analysis; index vessel by participant (None: there is none)."""

    name: str
    settings: Settings
    uptake: Sequence[UptakeRow]
    change: Sequence[ChangeRow]
    index: Mapping[str, str | None]
    exploratory: str = ""
    """why it is, in words"""


@dataclass(frozen=True)
class SettingDiffers:
    """`path` is dotted (`quantify.background.volume_ml`); a value that one answer does not have is None."""

    path: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Moved:
    """How one metric of one region differs over the scans (or participants) that both measured, B minus A."""

    region: str
    metric: str
    n_both: int
    n_moved: int
    median_difference: float
    largest_difference: float
    largest_at: str
    only_a: tuple[str, ...]
    """scans that A alone measured"""
    only_b: tuple[str, ...]


@dataclass(frozen=True)
class Flip:
    """Something concluded otherwise: the index vessel of a participant, or the sign of a change."""

    participant: str
    what: str
    a: str
    b: str


@dataclass(frozen=True)
class Explained:
    """Share of the difference that is gone when this setting alone of B is put into A: 1 all, 0 none, < 0 it adds."""

    path: str
    share: float


def settings_that_differ(a: Settings, b: Settings) -> list[SettingDiffers]:
    """Every value that is not the same, in the order of A and then of B; lists are values."""
    ours, theirs = dict(_flat(a)), dict(_flat(b))
    paths = [*ours, *(path for path in theirs if path not in ours)]
    return [
        SettingDiffers(path, ours.get(path), theirs.get(path)) for path in paths if ours.get(path) != theirs.get(path)
    ]


def with_setting(settings: Settings, path: str, value: Any) -> dict[str, Any]:
    """`settings` with the value at the dotted `path`; None takes it away."""
    first, _, rest = path.partition(".")
    changed = dict(settings)
    if rest:
        changed[first] = with_setting(changed.get(first, {}), rest, value)
    elif value is None:
        changed.pop(first, None)
    else:
        changed[first] = value
    return changed


def scans_moved(a: Answer, b: Answer, metric: str) -> list[Moved]:
    """Per region, the metric of every scan."""
    rows = [
        {(row.region, f"{row.participant} {row.session}"): row.value for row in answer.uptake if row.metric == metric}
        for answer in (a, b)
    ]
    return _moved(rows[0], rows[1], metric)


def changes_moved(a: Answer, b: Answer, metric: str) -> list[Moved]:
    """Per region, the percent change of every participant."""
    rows = [
        {(row.region, row.participant): row.percent_change for row in answer.change if row.metric == metric}
        for answer in (a, b)
    ]
    return _moved(rows[0], rows[1], metric)


def flips(a: Answer, b: Answer, metric: str) -> list[Flip]:
    """Participants whose index vessel, or the direction of whose change in it, is another."""
    found = []
    for participant in sorted({*a.index, *b.index}):
        ours, theirs = a.index.get(participant) or "none", b.index.get(participant) or "none"
        if ours != theirs:
            found.append(Flip(participant, "index vessel", ours, theirs))
    signs = [_signs(answer, metric) for answer in (a, b)]
    both = sorted(signs[0].keys() & signs[1].keys())
    turned = [participant for participant in both if signs[0][participant] != signs[1][participant]]
    return found + [Flip(one, "direction", signs[0][one], signs[1][one]) for one in turned]


def explained(a: Answer, b: Answer, metric: str, answer_with: Callable[[Settings], Answer]) -> list[Explained]:
    """Each differing setting put into A alone, by how much of the difference to B it takes away, most first.

    `answer_with` answers A's question under other settings. The difference is the mean over scans and regions of the
    absolute difference of the metric; a number that one of the two answers lacks counts as much as the largest.
    """
    whole = _distance(a, b, metric)
    if whole == 0:
        return []
    found = [
        Explained(
            one.path, 1.0 - _distance(answer_with(with_setting(a.settings, one.path, one.b)), b, metric, a) / whole
        )
        for one in settings_that_differ(a.settings, b.settings)
    ]
    return sorted(found, key=lambda one: (-one.share, one.path))


def _flat(settings: Settings, prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found


def _moved(ours: Mapping[Key, float | None], theirs: Mapping[Key, float | None], metric: str) -> list[Moved]:
    found = []
    for region in dict.fromkeys(key[0] for key in [*ours, *theirs]):
        of_a = {key[1]: value for key, value in ours.items() if key[0] == region and value is not None}
        of_b = {key[1]: value for key, value in theirs.items() if key[0] == region and value is not None}
        both = sorted(of_a.keys() & of_b.keys())
        differences = {place: of_b[place] - of_a[place] for place in both}
        moved = {place: value for place, value in differences.items() if not _same(of_a[place], of_b[place])}
        only = sorted(of_a.keys() - of_b.keys()), sorted(of_b.keys() - of_a.keys())
        if not moved and not any(only):
            continue
        largest = max(moved, key=lambda place: abs(moved[place]), default="")
        found.append(
            Moved(
                region,
                metric,
                len(both),
                len(moved),
                median(differences.values()) if both else 0.0,
                moved.get(largest, 0.0),
                largest,
                tuple(only[0]),
                tuple(only[1]),
            )
        )
    return found


def _signs(answer: Answer, metric: str) -> dict[str, str]:
    return {
        row.participant: "up" if row.change > 0 else "down" if row.change < 0 else "none"
        for row in answer.change
        if row.region == INDEX_VESSEL and row.metric == metric and row.change is not None
    }


def _distance(a: Answer, b: Answer, metric: str, scale: Answer | None = None) -> float:
    """Mean absolute difference over all scans and regions of both (and of `scale`, so that distances compare)."""
    tables = [
        {(row.participant, row.session, row.region): row.value for row in answer.uptake if row.metric == metric}
        for answer in (a, b, *([scale] if scale else []))
    ]
    keys = {key for table in tables for key, value in table.items() if value is not None}
    pairs = [(tables[0].get(key), tables[1].get(key)) for key in sorted(keys)]
    known = [abs(one - other) for one, other in pairs if one is not None and other is not None]
    lacking = sum((one is None) is not (other is None) for one, other in pairs)
    worst = max(known, default=0.0) or 1.0
    return (sum(known) + lacking * worst) / len(pairs) if pairs else 0.0


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= SAME * max(abs(a), abs(b))
