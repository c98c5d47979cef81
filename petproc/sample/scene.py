"""What the pictures of one scan are drawn from, how they are coloured, and how they become PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from petproc.core.grid import Grid
from petproc.core.regions import REGIONS
from petproc.core.tables import Station
from petproc.core.volume import Labels, Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {
    "ascending_aorta": "#e4572e",
    "aortic_arch": "#f2a900",
    "descending_aorta": "#12a594",
    "abdominal_aorta": "#3b82f6",
    "superior_vena_cava": "#a855f7",
}
OTHER_COLOUR = "#ec4899"
INK, SOFT = "#1f2933", "#667380"
SCALE_TOPS = (3.0, 4.0, 6.0, 8.0, 12.0, 20.0)
"""Upper ends of the PET's grey scale: few, so that two visits mostly share one."""
DPI = 100
GREYS = 96
TINTS = {1.0: (0,), 0.75: (0, 64, 128, 192, 255), 0.5: (0, 64, 128, 192, 255), 0.25: (0, 64, 128, 192, 255)}
"""Shares of a region's colour over greys: its line and the line's soft edges."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What every picture of a scan is drawn from: PET in SUV (or kBq/mL) with the top of its scale, CT, labels cut to
    the vessels, and stations by region."""

    pet: Volume
    pet_scale: float
    pet_top: float
    pet_unit: str
    ct: Volume
    labels: Labels
    stations: Mapping[str, Sequence[Station]]

    def mask(self, region: str) -> tuple[NDArray[np.float32], Grid]:
        """A region on the smallest part of the grid that holds it, with an empty rim."""
        inside = self.labels.mask(region)
        box = ndimage.find_objects(inside.astype(np.uint8))[0]
        affine = self.labels.grid.affine.copy()
        affine[:3, 3] = self.labels.grid.to_mm([part.start - 1 for part in box])
        rimmed = np.pad(inside[box], 1).astype(np.float32)
        return rimmed, Grid(rimmed.shape, affine)


def scene_of(pet: Volume, ct: Volume, labels: Labels, stations: Sequence[Station], suv_factor: float | None) -> Scene:
    data = labels.data
    found = [np.flatnonzero(data.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    box = tuple(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 1) for places in found)
    affine = labels.grid.affine.copy()
    affine[:3, 3] = labels.grid.to_mm([part.start for part in box])
    cut = Labels(data[box], Grid(data[box].shape, affine), labels.names)
    present = {labels.names[int(value)] for value in np.unique(cut.data) if int(value) in labels.names}
    by_region = {name: [row for row in stations if row.region == name] for name in REGIONS if name in present}
    by_region = {name: rows for name, rows in by_region.items() if rows}
    scale = suv_factor if suv_factor is not None else 1e-3
    return Scene(
        pet, scale, _top(pet, cut, scale), "SUV (g/mL)" if suv_factor is not None else "kBq/mL", ct, cut, by_region
    )


def _top(pet: Volume, labels: Labels, scale: float) -> float:
    """Upper end of the PET's scale: the first of `SCALE_TOPS` above the vessels' uptake."""
    voxels = np.argwhere(labels.data > 0)[::7]
    if len(voxels) == 0:
        return SCALE_TOPS[0]
    index = pet.grid.to_index(labels.grid.to_mm(voxels)).T
    uptake = ndimage.map_coordinates(pet.data, index, order=1, output=np.float32, mode="nearest") * scale
    wanted = 1.3 * float(np.percentile(uptake, 98))
    return next((top for top in SCALE_TOPS if top >= wanted), float(np.ceil(wanted / 10) * 10))


def colour(region: str) -> str:
    return COLOURS.get(region, OTHER_COLOUR)


def words(region: str) -> str:
    return region.replace("_", " ").capitalize()


def png(figure: Figure, *, few_colours: bool) -> bytes:
    """A picture without a date or the name of a program; in the colours of `_palette` a noisy CT stays small."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    content = io.BytesIO()
    picture = Image.fromarray(pixels)
    if few_colours:
        palette = _palette()
        red, green, blue = np.moveaxis(pixels.astype(np.int64), -1, 0)
        colours, place = np.unique((red << 16) + (green << 8) + blue, return_inverse=True)
        rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
        picture = Image.fromarray(cKDTree(palette).query(rgb)[1].astype(np.uint8)[place].reshape(red.shape), mode="P")
        picture.putpalette(palette.ravel().tolist())
    picture.save(content, format="png", optimize=True)
    return content.getvalue()


def _palette() -> NDArray[np.uint8]:
    """At most 256 colours (n, 3): greys, and every region's colour over greys. A palette made from the picture
    would spend everything on greys and lose the thin outlines."""
    shades = [np.full(3, level) for level in np.linspace(0, 255, GREYS)]
    for name in (*COLOURS.values(), OTHER_COLOUR, INK, SOFT):
        ink = np.array([int(name[n : n + 2], 16) for n in (1, 3, 5)])
        shades += [share * ink + (1 - share) * grey for share, greys in TINTS.items() for grey in greys]
    return np.rint(shades).astype(np.uint8)
