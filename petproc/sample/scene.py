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
from petproc.core.regions import ORGANS, REGIONS
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
    "inferior_vena_cava": "#6d28d9",
    "left_common_carotid": "#ec4899",
    "right_common_carotid": "#b5179e",
    "left_internal_jugular": "#06b6d4",
    "right_internal_jugular": "#0e7490",
    "brachiocephalic_trunk": "#84cc16",
    "left_subclavian": "#22c55e",
    "right_subclavian": "#15803d",
    "left_iliac": "#fb7185",
    "right_iliac": "#9f1239",
    "liver": "#a16207",
    "spleen": "#7c2d12",
    "vertebral_marrow": "#ca8a04",
}
INK, SOFT = "#1f2933", "#667380"
SCALE_TOPS = (3.0, 4.0, 6.0, 8.0, 12.0, 20.0)
"""Upper ends of the PET's grey scale: few, so that two visits mostly share one."""
DPI = 100
GREYS = 96
SHARES = (0.75, 0.5, 0.25)
"""Of a region's colour over greys: the soft edges of its line."""
TINTS_MAX = 5
"""Greys under each of them, fewer where there are many regions."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What every picture of a scan is drawn from: PET in SUV (or kBq/mL) with the top of its scale, CT, labels cut to
    the regions, stations by region, and the organs, which have none."""

    pet: Volume
    pet_scale: float
    pet_top: float
    pet_unit: str
    ct: Volume
    labels: Labels
    stations: Mapping[str, Sequence[Station]]
    organs: tuple[str, ...]

    @property
    def drawn(self) -> tuple[str, ...]:
        """Regions with outlines."""
        return (*self.stations, *self.organs)

    @property
    def inks(self) -> tuple[str, ...]:
        """Every colour in the pictures that is no grey, and those of letters."""
        return (*(colour(name) for name in self.drawn), INK, SOFT)

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
    unit = "SUV (g/mL)" if suv_factor is not None else "kBq/mL"
    organs = tuple(name for name in ORGANS if name in present)
    return Scene(pet, scale, _top(pet, cut, scale), unit, ct, cut, by_region, organs)


def _top(pet: Volume, labels: Labels, scale: float) -> float:
    """Upper end of the PET's scale: the first of `SCALE_TOPS` above the vessels' uptake."""
    vessels = [name for name in REGIONS if name not in ORGANS]
    voxels = np.argwhere(labels.mask(*vessels))[::7]
    if len(voxels) == 0:
        return SCALE_TOPS[0]
    index = pet.grid.to_index(labels.grid.to_mm(voxels)).T
    uptake = ndimage.map_coordinates(pet.data, index, order=1, output=np.float32, mode="nearest") * scale
    wanted = 1.3 * float(np.percentile(uptake, 98))
    return next((top for top in SCALE_TOPS if top >= wanted), float(np.ceil(wanted / 10) * 10))


def colour(region: str) -> str:
    return COLOURS[region]


def words(region: str) -> str:
    return region.replace("_", " ").capitalize()


def png(figure: Figure, *, inks: Sequence[str] = ()) -> bytes:
    """A picture without a date or the name of a program; in greys and a few `inks` alone a noisy CT stays small."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    content = io.BytesIO()
    picture = Image.fromarray(pixels)
    if inks:
        palette = _palette(inks)
        red, green, blue = np.moveaxis(pixels.astype(np.int64), -1, 0)
        colours, place = np.unique((red << 16) + (green << 8) + blue, return_inverse=True)
        rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
        picture = Image.fromarray(cKDTree(palette).query(rgb)[1].astype(np.uint8)[place].reshape(red.shape), mode="P")
        picture.putpalette(palette.ravel().tolist())
    picture.save(content, format="png", optimize=True)
    return content.getvalue()


def _palette(inks: Sequence[str]) -> NDArray[np.uint8]:
    """At most 256 colours (n, 3): greys, and every ink over greys. A palette made from the picture would spend
    everything on greys and lose the thin outlines."""
    shades = [np.full(3, level) for level in np.linspace(0, 255, GREYS)]
    tints = min(TINTS_MAX, ((256 - GREYS) // len(inks) - 1) // len(SHARES))
    for name in inks:
        ink = np.array([int(name[n : n + 2], 16) for n in (1, 3, 5)])
        shades.append(ink)
        shades += [share * ink + (1 - share) * grey for share in SHARES for grey in np.linspace(0, 255, tints)]
    return np.rint(shades).astype(np.uint8)
