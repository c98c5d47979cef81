"""Figure of a vessel at both visits: TBRmax of every slice along it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from petproc.core.tables import SliceRow
from petproc.report.svg import Frame, drawing, height_axis, scale
from petproc.report.words import number

FRAME = Frame(340, 170, 38, 322, 10, 142)

Place = Callable[[SliceRow], tuple[float, float]]


def along_vessel(visits: Mapping[str, Sequence[SliceRow]], direction: str, what: str) -> Markup:
    """A line per visit by arc length, the baseline grey and the other in the colour of `direction`.

    `visits` are slices by session, each with an arc length and a TBRmax. One that does not count is a hollow
    dot outside the line.
    """
    rows = [row for slices in visits.values() for row in slices]
    first, last, ticks = scale([row.arc_mm or 0.0 for row in rows], room=0.0)
    y, parts = height_axis([row.tbr_max or 0.0 for row in rows], FRAME)

    def x(arc_mm: float) -> float:
        return FRAME.left + (arc_mm - first) / (last - first) * (FRAME.right - FRAME.left)

    def place(row: SliceRow) -> tuple[float, float]:
        return x(row.arc_mm or 0.0), y(row.tbr_max or 0.0)

    parts += [
        f'<text class="tick" x="{x(tick):.1f}" y="{FRAME.bottom + 18}" text-anchor="middle">{number(tick, 0)}</text>'
        for tick in ticks
    ]
    for session, slices in visits.items():
        kind = "before" if session == "baseline" else direction
        parts += [_line(run, place, kind) for run in _runs(slices)]
        parts += [_dot(row, place, kind) for row in slices if not row.counts]
    return drawing(FRAME, f"{what} along the vessel", parts)


def _runs(slices: Sequence[SliceRow]) -> list[list[SliceRow]]:
    """Slices that count, in stretches without a gap."""
    runs: list[list[SliceRow]] = []
    for row in slices:
        if not row.counts:
            continue
        if runs and runs[-1][-1].slice == row.slice - 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _line(run: Sequence[SliceRow], place: Place, kind: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, run))
    return f'<polyline class="run {kind}" points="{points}"/>'


def _dot(row: SliceRow, place: Place, kind: str) -> str:
    x, y = place(row)
    return f'<circle class="out {kind}" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
