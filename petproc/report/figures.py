"""Figures of change: before and after, and percent by participant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from petproc.report.svg import Frame, drawing, height_axis, scale
from petproc.report.words import percent

LABELS_MAX = 16
"""More participants than this are drawn without their names."""
LABEL_GAP = 15.0


@dataclass(frozen=True)
class Pair:
    """One participant's values."""

    name: str
    baseline: float
    follow_up: float
    percent: float | None

    @property
    def direction(self) -> str:
        change = self.follow_up - self.baseline
        return "fall" if change < 0 else "rise" if change > 0 else "flat"


LARGE = Frame(520, 380, 52, 400, 16, 340)
SMALL = Frame(230, 190, 38, 212, 10, 162)


def before_and_after(pairs: Sequence[Pair], what: str, frame: Frame = LARGE) -> Markup:
    """A line per participant from baseline to follow-up, and the mean of all as a heavy line."""
    labelled = frame is LARGE and len(pairs) <= LABELS_MAX
    y, parts = height_axis([value for pair in pairs for value in (pair.baseline, pair.follow_up)], frame)
    x = frame.left + 34, frame.right - 34
    for at, text in zip(x, ("baseline", "follow-up"), strict=True):
        parts.append(f'<text class="tick" x="{at}" y="{frame.bottom + 22}" text-anchor="middle">{text}</text>')
    if len(pairs) > 2:
        means = [sum(values) / len(pairs) for values in zip(*((p.baseline, p.follow_up) for p in pairs), strict=True)]
        parts.append(_slope(x, (y(means[0]), y(means[1])), "mean", 5, "mean of all"))
    for pair in pairs:
        ends = (y(pair.baseline), y(pair.follow_up))
        parts.append(_slope(x, ends, pair.direction, 4 if labelled else 3, f"{pair.name}: {percent(pair.percent)}"))
    if labelled:
        parts += _labels(pairs, [y(pair.follow_up) for pair in pairs], x[1] + 14)
    return drawing(frame, f"{what} at baseline and follow-up", parts)


def changes(pairs: Sequence[Pair], what: str) -> Markup:
    """Change in percent of every participant, the largest fall first."""
    shown = sorted(
        (pair for pair in pairs if pair.percent is not None), key=lambda pair: (pair.percent or 0, pair.name)
    )
    labelled = len(shown) <= 2 * LABELS_MAX
    step = 26.0 if labelled else 9.0
    sides = (74, 380) if labelled else (20, 430)
    frame = Frame(460, step * len(shown) + 60, *sides, 10, 10 + step * len(shown))
    low, high, ticks = scale([0.0, *(pair.percent or 0.0 for pair in shown)])

    def x(value: float) -> float:
        return frame.left + (value - low) / (high - low) * (frame.right - frame.left)

    parts = [
        f'<line class="{"zero" if tick == 0 else "grid"}" x1="{x(tick):.1f}" x2="{x(tick):.1f}" '
        f'y1="{frame.top}" y2="{frame.bottom}"/>'
        f'<text class="tick" x="{x(tick):.1f}" y="{frame.bottom + 20}" text-anchor="middle">{percent(tick, 0)}</text>'
        for tick in ticks
    ]
    for n, pair in enumerate(shown):
        y, end = frame.top + step * (n + 0.5), x(pair.percent or 0.0)
        parts.append(f'<line class="stem {pair.direction}" x1="{x(0):.1f}" x2="{end:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<circle class="dot {pair.direction}" cx="{end:.1f}" cy="{y:.1f}" r="{5 if labelled else 3}"/>')
        if labelled:
            parts.append(
                f'<text class="name" x="{frame.left - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(pair.name)}</text>'
            )
            parts.append(
                f'<text class="value {pair.direction}" x="{frame.width - 4}" y="{y + 4:.1f}" text-anchor="end">'
                f"{percent(pair.percent)}</text>"
            )
    return drawing(frame, f"Change of {what} in percent", parts)


def _slope(x: tuple[float, float], y: tuple[float, float], kind: str, radius: int, title: str) -> str:
    dots = "".join(f'<circle cx="{at}" cy="{height:.1f}" r="{radius}"/>' for at, height in zip(x, y, strict=True))
    return (
        f'<g class="slope {kind}"><title>{escape(title)}</title>'
        f'<line x1="{x[0]}" y1="{y[0]:.1f}" x2="{x[1]}" y2="{y[1]:.1f}"/>{dots}</g>'
    )


def _labels(pairs: Sequence[Pair], heights: Sequence[float], x: float) -> list[str]:
    """Names and changes beside the ends of the lines, moved apart where they would overlap."""
    order = sorted(range(len(pairs)), key=lambda n: (heights[n], pairs[n].name))
    placed = [heights[n] for n in order]
    for _ in range(200):
        for a in range(len(placed) - 1):
            overlap = LABEL_GAP - (placed[a + 1] - placed[a])
            if overlap > 0:
                placed[a], placed[a + 1] = placed[a] - overlap / 2, placed[a + 1] + overlap / 2
    return [
        f'<text class="name" x="{x}" y="{height + 4:.1f}">{escape(pairs[n].name)} '
        f'<tspan class="value {pairs[n].direction}">{percent(pairs[n].percent, 0)}</tspan></text>'
        for n, height in zip(order, placed, strict=True)
    ]
