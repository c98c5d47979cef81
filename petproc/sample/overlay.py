"""Pictures by which a reader judges a segmentation: every region on CT and PET, and all of them on the whole body.

PNG bytes by name: `overview`, then every vessel's regions in the order of their label values; an organ has no picture
of its own, but its outline on those of others. The same images give the same
bytes: nothing of the machine's style or clock enters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import REGIONS
from petproc.core.suv import suv_per_activity
from petproc.core.tables import Station
from petproc.core.volume import Labels, Volume
from petproc.sample.overview import overview
from petproc.sample.planes import Plane, letters, seen
from petproc.sample.scene import DPI, INK, SOFT, Scene, colour, png, scene_of, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Masks = Mapping[str, tuple[NDArray[np.float32], Grid]]

CT_HU = (-160, 240)
COLUMNS = 5
ZOOM_MM = 80.0
PIXEL_MM = 0.5
GAP_MM = 3.0
PITCH_MM = ZOOM_MM + GAP_MM
BAR_MM = 20.0
FIGURE_IN = (10.4, 4.8)


def draw_overlays(
    pet: Volume, ct: Volume, labels: Labels, stations: Sequence[Station], *, suv_factor: float | None
) -> dict[str, bytes]:
    """Pictures of the regions that have voxels and stations; of none, the overview alone.

    `pet` in Bq/mL; `suv_factor` (g/mL per Bq/mL) makes it SUV, None leaves kBq/mL. `labels` on the CT's grid or a part
    of it. Where an alignment is applied, give CT, labels and stations as moved by it.
    """
    import matplotlib.style

    scene = scene_of(pet, ct, labels, stations, suv_factor)
    with matplotlib.style.context("default"):
        pictures = {"overview": png(overview(scene))}
        for region in scene.stations:
            pictures[region] = png(_strip(scene, region), inks=scene.inks)
    return pictures


def suv_factor_or_none(acquisition: PetAcquisition) -> float | None:
    """SUVbw factor for the scale of the pictures, None where SUV cannot be had."""
    try:
        return suv_per_activity(acquisition)
    except Refusal:
        return None


def _strip(scene: Scene, region: str) -> Figure:
    """Planes along a region: CT above, PET below, both with the outlines of the labels."""
    from matplotlib.figure import Figure

    rows = scene.stations[region]
    chosen = [rows[n] for n in np.unique(np.rint(np.linspace(0.06, 0.94, COLUMNS) * (len(rows) - 1)).astype(int))]
    figure = Figure(figsize=FIGURE_IN, dpi=DPI, facecolor="white")
    wide, tall = COLUMNS * PITCH_MM - GAP_MM, 2 * PITCH_MM - GAP_MM
    # One sheet in mm for all panels: ten axes of their own would take longer than everything on them.
    sheet = figure.add_axes((0.008, 0.055, 0.922, 0.922 * FIGURE_IN[0] / wide * tall / FIGURE_IN[1]))
    sheet.set_axis_off()
    sheet.set_xlim(0.0, wide)
    sheet.set_ylim(0.0, tall)
    masks = {name: scene.mask(name) for name in scene.drawn}
    shown: Any = None
    for column, station in enumerate(chosen):
        middle = column * PITCH_MM + ZOOM_MM / 2
        shown = _panels(scene, sheet, middle, _plane(station), region, masks)
        caption = _caption(scene, station)
        sheet.text(middle, tall + 2, caption, fontsize=8.5, color=SOFT, ha="center", va="bottom")
    _heading(figure, scene, region)
    _pet_scale(figure, shown, scene)
    return figure


def _plane(station: Station) -> Plane:
    centre = (station.x_mm, station.y_mm, station.z_mm)
    if REGIONS[station.region].slicing == "axial":
        return Plane.axial(centre, ZOOM_MM, PIXEL_MM)
    return Plane.across(centre, (station.tangent_x, station.tangent_y, station.tangent_z), ZOOM_MM, PIXEL_MM)


def _panels(scene: Scene, sheet: Axes, middle: float, plane: Plane, region: str, masks: Masks) -> Any:
    """CT and PET on one plane with every region's outline, this one's strongest; the PET's image for its scale."""
    half = plane.size_mm / 2
    upper, lower = PITCH_MM + half, half
    hu = seen(scene.ct.data, scene.ct.grid, plane, -1000.0)
    uptake = seen(scene.pet.data, scene.pet.grid, plane, 0.0) * scene.pet_scale
    sides = (middle - half, middle + half)
    over, under = ((*sides, height - half, height + half) for height in (upper, lower))
    limits: dict[str, Any] = {"interpolation": "nearest", "aspect": "auto"}
    sheet.imshow(hu, cmap="gray", vmin=CT_HU[0], vmax=CT_HU[1], extent=over, **limits)
    shown = sheet.imshow(uptake, cmap="gray_r", vmin=0.0, vmax=scene.pet_top, extent=under, **limits)
    for name, (mask, grid) in masks.items():
        if not plane.meets(grid):
            continue
        lines = _outline(seen(mask, grid, plane, 0.0), plane)
        for height in (upper, lower):
            placed = [line + np.array([middle, height]) for line in lines]
            _drawn(sheet, placed, colour(name), 1.5 if name == region else 0.8)
    for height, ink in ((upper, "white"), (lower, INK)):
        _marks(sheet, (middle, height), plane, ink)
    return shown


def _outline(inside: NDArray[np.float32], plane: Plane) -> list[NDArray[np.float64]]:
    """Where the interpolated mask passes one half: lines (n, 2) in mm from the middle of the plane."""
    from contourpy import contour_generator

    offset = np.arange(len(inside)) * plane.step_mm - plane.size_mm / 2
    return [np.asarray(line) for line in contour_generator(offset, -offset, inside).lines(0.5)]


def _drawn(sheet: Axes, lines: Sequence[NDArray[np.float64]], ink: str, width: float) -> None:
    from matplotlib.collections import LineCollection

    if lines:
        sheet.add_collection(LineCollection(list(lines), colors=ink, linewidths=width), autolim=False)


def _marks(sheet: Axes, middle: tuple[float, float], plane: Plane, ink: str) -> None:
    """Directions at the edges and a bar of `BAR_MM`, legible on bone as on lung."""
    from matplotlib.patheffects import withStroke

    (x, y), half = middle, plane.size_mm / 2
    halo = [withStroke(linewidth=1.8, foreground=INK if ink == "white" else "white")]
    style: dict[str, Any] = {"color": ink, "va": "center", "path_effects": halo}
    bold: dict[str, Any] = {**style, "fontsize": 8, "fontweight": "bold"}
    sheet.text(x - half + 2, y, letters(-plane.right), ha="left", **bold)
    sheet.text(x + half - 2, y, letters(plane.right), ha="right", **bold)
    sheet.text(x, y + half - 4, letters(plane.up), ha="center", **bold)
    end = x + half - 3
    sheet.plot([end - BAR_MM, end], [y - half + 4] * 2, color=ink, linewidth=2, path_effects=halo, scalex=False)
    sheet.text(end - BAR_MM / 2, y - half + 8, f"{BAR_MM:.0f} mm", ha="center", fontsize=6.5, **style)


def _caption(scene: Scene, station: Station) -> str:
    k = round(float(scene.pet.grid.to_index((station.x_mm, station.y_mm, station.z_mm))[2]))
    cut = f"PET slice {k}" if REGIONS[station.region].slicing == "axial" else "cut across"
    return f"arc {station.arc_mm:+.0f} mm, radius {station.radius_mm:.1f} mm\n{cut}, z {station.z_mm:.0f} mm"


def _heading(figure: Figure, scene: Scene, region: str) -> None:
    rows = scene.stations[region]
    volume = float(scene.labels.mask(region).sum()) * scene.labels.grid.voxel_ml
    facts = (
        f"arc {rows[0].arc_mm:.0f} to {rows[-1].arc_mm:.0f} mm, {volume:.1f} mL, "
        f"radius {np.median([row.radius_mm for row in rows]):.1f} mm"
    )
    figure.text(0.008, 0.965, words(region), fontsize=13, fontweight="bold", color=colour(region), va="center")
    figure.text(0.93, 0.965, facts, fontsize=9, color=SOFT, va="center", ha="right")
    figure.text(
        0.008, 0.025, "above CT, below PET, in the direction of flow from left to right", fontsize=8, color=SOFT
    )
    figure.text(0.93, 0.025, f"CT {CT_HU[0]} to {CT_HU[1]} HU", fontsize=8, color=SOFT, ha="right")


def _pet_scale(figure: Figure, shown: Any, scene: Scene) -> None:
    bar = figure.colorbar(shown, cax=figure.add_axes((0.942, 0.075, 0.012, 0.34)))
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(labelsize=7.5, colors=SOFT, length=2)
    bar.ax.set_title(scene.pet_unit.replace(" ", "\n"), fontsize=7.5, color=SOFT, pad=5)
