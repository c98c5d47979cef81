"""Axes and frames of figures drawn as SVG: the same numbers always give the same text, sharp on screen and paper.

Colours and type come from the page's style sheet by class: `fall`, `rise`, `flat`, `mean`, `before`, `grid`, `tick`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from petproc.report.words import number


@dataclass(frozen=True)
class Frame:
    """Outer size and the plot's edges, in pixels."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float


def scale(values: Sequence[float], room: float = 0.15) -> tuple[float, float, list[float]]:
    """Round limits around the values, with at least `room` steps to either side, and about five ticks."""
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    rough = span / 4.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step - room), math.ceil(high / step + room)
    ticks = [round(n * step, 10) for n in range(first, max(last, first + 1) + 1)]
    return ticks[0], ticks[-1], ticks


def digits(ticks: Sequence[float]) -> int:
    """Decimals that tell the ticks apart."""
    return next((n for n in range(4) if all(abs(tick - round(tick, n)) < 1e-9 for tick in ticks)), 4)


def height_axis(values: Sequence[float], frame: Frame) -> tuple[Callable[[float], float], list[str]]:
    """The height of a value, and the lines and numbers of the axis."""
    low, high, ticks = scale(values)

    def y(value: float) -> float:
        return frame.bottom - (value - low) / (high - low) * (frame.bottom - frame.top)

    parts = [
        f'<line class="grid" x1="{frame.left}" x2="{frame.right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text class="tick" x="{frame.left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">'
        f"{number(tick, digits(ticks))}</text>"
        for tick in ticks
    ]
    return y, parts


def drawing(frame: Frame, label: str, parts: Sequence[str]) -> Markup:
    """`parts` are SVG already: whatever text they hold must have been escaped."""
    return Markup(
        f'<svg viewBox="0 0 {frame.width:g} {frame.height:g}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
