"""The whole body at a glance: highest uptake along the line of sight, and where the vessels were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from petproc.sample.planes import Box
from petproc.sample.scene import DPI, INK, SOFT, Scene, colour, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEP_MM = 3.0
MARGIN_MM = (140.0, 120.0, 60.0)
"""Body shown around the vessels along x, y and z."""
HEIGHT_IN = 6.4
LEGEND_IN = 2.3
LEGEND_STEP, LEGEND_FOOT = 0.095, 0.17
"""Of the figure's height: from name to name where there is room, and what the note below the names takes."""


def overview(scene: Scene) -> Figure:
    """Seen from the front and from the left side, head up, with the vessels' shadows and centrelines."""
    from matplotlib.figure import Figure

    box = _around_vessels(scene)
    uptake = box.upright(scene.pet.data.astype(np.float32, copy=False), scene.pet.grid) * np.float32(scene.pet_scale)
    wide, deep, tall = box.high - box.low
    width = (wide + deep) / tall * (0.88 * HEIGHT_IN) + LEGEND_IN
    figure = Figure(figsize=(width, HEIGHT_IN), dpi=DPI, facecolor="white")
    panels = figure.subplots(1, 2, width_ratios=[wide, deep])
    figure.subplots_adjust(left=0.01, right=1 - LEGEND_IN / width, top=0.94, bottom=0.06, wspace=0.03)
    for across, panel in enumerate(panels):
        extent = box.extent(across)
        picture = box.picture(uptake.max(axis=1 - across))
        panel.imshow(picture, cmap="gray_r", vmin=0.0, vmax=2 * scene.pet_top, extent=extent)
        panel.set_axis_off()
        panel.set_title(("from the front", "from the left")[across], fontsize=9, color=SOFT, pad=4)
        _sides(panel, extent, ("R", "L") if across == 0 else ("A", "P"))
    for region in (*scene.organs, *scene.stations):
        _shadow(scene, region, box, panels)
    _legend(figure, scene, 1 - (LEGEND_IN - 0.15) / width)
    return figure


def _around_vessels(scene: Scene) -> Box:
    whole = Box.around(scene.pet.grid, STEP_MM)
    places = [(row.x_mm, row.y_mm, row.z_mm) for rows in scene.stations.values() for row in rows]
    if not places:
        return whole
    low = np.maximum(whole.low, np.min(places, axis=0) - MARGIN_MM)
    high = np.minimum(whole.high, np.max(places, axis=0) + MARGIN_MM)
    return Box(low, high, STEP_MM) if (high - low > 10 * STEP_MM).all() else whole


def _sides(panel: Axes, extent: tuple[float, float, float, float], names: tuple[str, str]) -> None:
    left, right, bottom, top = extent
    inward = 0.02 * (right - left)
    height = top - 0.05 * (top - bottom)
    for place, name, side in ((left + inward, names[0], "left"), (right - inward, names[1], "right")):
        panel.text(place, height, name, color=INK, fontsize=10, fontweight="bold", ha=side, va="center")


def _shadow(scene: Scene, region: str, box: Box, panels: Sequence[Axes]) -> None:
    inside = np.argwhere(scene.labels.mask(region))
    shadows = box.silhouettes(scene.labels.grid.to_mm(inside))
    rows = scene.stations.get(region, ())
    height = [row.z_mm for row in rows]
    for across, (panel, shadow) in enumerate(zip(panels, shadows, strict=True)):
        if not shadow.any():
            continue
        picture = box.picture(shadow).astype(np.float32)
        extent = box.extent(across)
        panel.contourf(picture, [0.5, 1.5], colors=[colour(region)], alpha=0.3, extent=extent, origin="upper")
        panel.contour(picture, [0.5], colors=[colour(region)], linewidths=1.0, extent=extent, origin="upper")
        along = [row.x_mm if across == 0 else row.y_mm for row in rows]
        if rows:
            panel.plot(along, height, color=colour(region), linewidth=1.6, solid_capstyle="round")


def _legend(figure: Figure, scene: Scene, left: float) -> None:
    top = 0.9
    step = min(LEGEND_STEP, (top - LEGEND_FOOT) / max(len(scene.drawn), 1))
    scale = (step / LEGEND_STEP) ** 0.5
    for number, region in enumerate(scene.drawn):
        height = top - step * number
        facts = f"{float(scene.labels.mask(region).sum()) * scene.labels.grid.voxel_ml:.1f} mL"
        if rows := scene.stations.get(region, ()):
            facts = f"{rows[-1].arc_mm - rows[0].arc_mm:.0f} mm, {facts}"
        figure.text(left, height, words(region), color=colour(region), fontsize=10.5 * scale, fontweight="bold")
        figure.text(left, height - 0.37 * step, facts, color=SOFT, fontsize=9 * scale)
    if not scene.drawn:
        figure.text(left, top, "No vessel was found.", color=INK, fontsize=10.5)
    note = f"PET: highest uptake along\nthe line of sight, {scene.pet_unit}\n0 (white) to {2 * scene.pet_top:g} (black)"
    figure.text(left, 0.06, note, color=SOFT, fontsize=8.5, linespacing=1.4)
