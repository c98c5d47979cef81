"""What the combinations say together: how many agree, within which range, and which setting moves the result most.

The effect of a setting between two of its values is the mean, over all combinations of the other settings, of the
absolute difference of the result; its largest between any two values is what the setting moves. Where combinations
measure different things (another metric, another SUV) results are compared in percent of baseline, else in the
metric's own unit.
"""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from petproc.multiverse.specification import Specification
from petproc.multiverse.sweep import Answer


@dataclass(frozen=True)
class Outcome:
    """One row of `specifications.tsv` beside the values of its settings; SD with n - 1, none of fewer than two."""

    specification: int
    metric: str
    unit: str
    n_participant: int
    n_measured: int
    mean_baseline: float | None
    mean_change: float | None
    sd_change: float | None
    mean_percent_change: float | None
    sd_percent_change: float | None


SPECIFICATION_COLUMNS = tuple(field.name for field in fields(Outcome))[1:]
EXPLORATORY = "Exploratory: combinations of settings compared after the fact; none of them is the planned analysis."


def outcomes(specifications: Sequence[Specification], answers: Sequence[Answer]) -> list[Outcome]:
    """Over the participants that each specification measured."""
    return [_outcome(one, [row for row in answers if row.specification == one.number]) for one in specifications]


def _outcome(specification: Specification, answers: Sequence[Answer]) -> Outcome:
    measured = [row for row in answers if row.change is not None and row.baseline is not None]
    changes = [row.change for row in measured if row.change is not None]
    percents = [row.percent_change for row in measured if row.percent_change is not None]
    return Outcome(
        specification.number,
        specification.metric,
        answers[0].unit if answers else "",
        len(answers),
        len(measured),
        _mean([row.baseline for row in measured if row.baseline is not None]),
        _mean(changes),
        _sd(changes),
        _mean(percents),
        _sd(percents),
    )


def summary(specifications: Sequence[Specification], found: Sequence[Outcome]) -> dict[str, Any]:
    """What `multiverse.json` holds, with plain values; ranges and shares over the combinations with a result."""
    quantity = "mean_change" if len({(one.metric, one.unit) for one in found}) == 1 else "mean_percent_change"
    results = {one.specification: getattr(one, quantity) for one in found}
    known = [value for value in results.values() if value is not None]
    signs = {
        "fall": sum(value < 0 for value in known),
        "rise": sum(value > 0 for value in known),
        "none": sum(value == 0 for value in known),
    }
    moved = sorted(
        (_effect(path, specifications, results) for path in specifications[0].values),
        key=lambda one: (-(one["mean_absolute_difference"] or 0.0), one["setting"]),
    )
    return {
        "exploratory": EXPLORATORY,
        "result": quantity,
        "unit": found[0].unit if quantity == "mean_change" else "%",
        "combinations": len(found),
        "with_result": len(known),
        "direction": signs,
        "agree": max(signs.values()) if known else 0,
        "lowest": min(known, default=None),
        "median": statistics.median(known) if known else None,
        "highest": max(known, default=None),
        "moves_most": moved[0]["setting"] if moved and moved[0]["mean_absolute_difference"] else None,
        "settings": moved,
    }


def _effect(path: str, specifications: Sequence[Specification], results: Mapping[int, float | None]) -> dict[str, Any]:
    """The two values of a setting between which the result differs most, others held equal."""
    universes: dict[str, dict[str, float]] = {}
    values: dict[str, Any] = {}
    for one in specifications:
        result, value = results[one.number], json.dumps(one.values[path])
        values[value] = one.values[path]
        if result is not None:
            others = json.dumps({name: other for name, other in one.values.items() if name != path})
            universes.setdefault(others, {})[value] = result
    best: tuple[float, int, list[Any]] | None = None
    for a, b in itertools.combinations(values, 2):
        differences = [abs(found[a] - found[b]) for found in universes.values() if a in found and b in found]
        if differences and (best is None or statistics.fmean(differences) > best[0]):
            best = (statistics.fmean(differences), len(differences), [values[a], values[b]])
    difference, count, between = best or (None, 0, [])
    return {"setting": path, "mean_absolute_difference": difference, "between": between, "comparisons": count}


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _sd(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
