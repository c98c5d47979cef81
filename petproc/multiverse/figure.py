"""The specification curve: every combination's result in order of size, and below it which values it has.

Above, mean change of the index vessel with its standard error; below, one line per value of every varied setting,
with a mark where the combination has it. The same bytes for the same results.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from petproc.multiverse.specification import Specification
from petproc.multiverse.summary import EXPLORATORY, Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT, FALL, RISE = "#222222", "#bbbbbb", "#1b6ca8", "#b5432a"
LINE_IN = 0.19
"""Height of a line of the lower panel, inch."""


def curve(specifications: Sequence[Specification], found: Sequence[Outcome], said: Mapping[str, Any]) -> bytes:
    """PNG; combinations without a result are left out."""
    import matplotlib.style
    from matplotlib.figure import Figure

    quantity = said["result"]
    known = [(one, getattr(one, quantity)) for one in found if getattr(one, quantity) is not None]
    shown = sorted(known, key=lambda entry: (entry[1], entry[0].specification))
    lines = [(path, value) for path in specifications[0].values for value in _values(specifications, path)]
    by_number = {one.number: one for one in specifications}
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(9.0, 3.2 + LINE_IN * len(lines)), dpi=120, layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.4, LINE_IN * len(lines) + 0.3])
        _results(above, shown, said)
        _settings(below, [by_number[one.specification] for one, _ in shown], lines)
        above.set_title(EXPLORATORY, fontsize=8, color=INK, loc="left")
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _values(specifications: Sequence[Specification], path: str) -> list[Any]:
    seen: list[Any] = []
    for one in specifications:
        if one.values[path] not in seen:
            seen.append(one.values[path])
    return seen


def _results(axes: Axes, shown: Sequence[tuple[Outcome, float]], said: Mapping[str, Any]) -> None:
    spread = "sd_change" if said["result"] == "mean_change" else "sd_percent_change"
    for place, (one, value) in enumerate(shown):
        error = (getattr(one, spread) or 0.0) / math.sqrt(one.n_measured)
        colour = FALL if value < 0 else RISE if value > 0 else INK
        axes.plot([place, place], [value - error, value + error], color=FAINT, linewidth=1.2)
        axes.plot([place], [value], marker="o", markersize=3.5, color=colour)
    axes.axhline(0.0, color=INK, linewidth=0.7)
    unit = "%" if said["unit"] == "%" else "" if said["unit"] == "1" else said["unit"]
    metric = shown[0][0].metric if shown and said["result"] == "mean_change" else "index metric"
    axes.set_ylabel(f"mean change of {metric}" + (f", {unit}" if unit else ""), fontsize=8)
    axes.tick_params(labelsize=8, bottom=False)


def _settings(axes: Axes, shown: Sequence[Specification], lines: Sequence[tuple[str, Any]]) -> None:
    for height, (path, value) in enumerate(lines):
        at = [place for place, one in enumerate(shown) if one.values[path] == value]
        axes.plot(at, [height] * len(at), linestyle="", marker="|", markersize=6, color=INK)
    axes.set_yticks(range(len(lines)), [f"{path.split('.')[-1]} = {value}" for path, value in lines], fontsize=7)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlabel("combinations of settings, in order of their result; bars: one standard error", fontsize=8)
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    for edge in ("top", "right", "bottom"):
        axes.spines[edge].set_visible(False)
