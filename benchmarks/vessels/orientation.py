"""One CT stored otherwise (axes exchanged, flipped, mirrored) and turned on its table, segmented again.

The world is the same, so must be the vessels. A copy that is stored otherwise holds the same voxels: what differs is
rounding. A turned copy is interpolated, and a mask can only be compared with it by the nearest voxel, which costs more
than the segmentation does: its bar is what the exact vessels lose in the same way, less 0.02. Ends of a region, which
may move by a slice, are judged by its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import AORTA, REGIONS, SVC, regions_of
from petproc.core.results import Segmentation
from petproc.core.volume import Labels, Volume
from petproc.phantom.geometry import PhantomVessel
from petproc.phantom.person import draw_visit
from petproc.phantom.scan import PhantomCt, make_ct
from petproc.phantom.sizes import person_of_size
from petproc.phantom.space import DEMO
from petproc.segment import classical
from petproc.segment.stations import STEP_MM as STATION_MM
from vessels.judged import dice
from vessels.part import Options, Part, Table, at_least, at_most, each

SEED, NOISE_HU = 101, 20.0
STORED_DICE, TURNED_LOSS = 0.999, 0.02
END_MM, LENGTH_MM = 8.0, 10.0
"""So far from a region's ends the masks of a turned copy are compared; so much may its length differ."""
MEASURED = (*regions_of(AORTA), SVC)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Copy:
    """`order` and `flipped` axes of the array; degrees by which the lattice is turned about x, y and z."""

    name: str
    order: tuple[int, int, int] = (0, 1, 2)
    flipped: tuple[int, ...] = ()
    turned_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def turned(self) -> bool:
        return any(self.turned_deg)

    def words(self) -> str:
        return self.name


COPIES = (
    Copy("mirrored left to right", flipped=(0,)),
    Copy("flipped front to back", flipped=(1,)),
    Copy("slices from above", flipped=(2,)),
    Copy("rotated by 180 degrees in plane", flipped=(0, 1)),
    Copy("slices first", order=(2, 0, 1)),
    Copy("rows and columns exchanged", order=(1, 0, 2)),
    Copy("coronal, flipped", order=(0, 2, 1), flipped=(1, 2)),
    Copy("turned by 8 degrees about the long axis", turned_deg=(0.0, 0.0, 8.0)),
    Copy("nodding by 6 degrees", turned_deg=(6.0, 0.0, 0.0)),
    Copy("leaning by 5 degrees", turned_deg=(0.0, 5.0, 0.0)),
)


@dataclass(frozen=True)
class Compared:
    """One region: Dice with the original, of a turned copy away from the ends; that of the exact vessel; lengths."""

    overlap: float
    exact: float
    length_mm: tuple[float, float]


def run(options: Options) -> Part:
    found = each(compared, COPIES, title="orientation", jobs=options.jobs, words=Copy.words)
    rows, checks = [], []
    for copy, regions in zip(COPIES, found, strict=True):
        rows.append((copy.name, *(_cell(copy, regions[region]) for region in MEASURED)))
        what = f"{copy.name}: lowest Dice with the original"
        if copy.turned:
            lost = max(one.exact - one.overlap for one in regions.values())
            longer = max(abs(one.length_mm[0] - one.length_mm[1]) for one in regions.values())
            checks.append(at_most(f"{copy.name}: Dice below that of exact vessels", lost, TURNED_LOSS, form=".3f"))
            checks.append(at_most(f"{copy.name}: change of a region's length in mm", longer, LENGTH_MM, form=".0f"))
        else:
            checks.append(at_least(what, min(one.overlap for one in regions.values()), STORED_DICE, form=".4f"))
    head = ("Copy: Dice with the original's masks (exact vessels)", *MEASURED)
    return Part("The same CT, stored and turned otherwise", (Table(head, tuple(rows)),), tuple(checks))


def compared(copy: Copy) -> dict[str, Compared]:
    """Each region of the copy beside that of the original, on the copy's voxels."""
    phantom, original = _original()
    grid = _grid(phantom.ct.grid, copy)
    try:
        again = classical.segment(_on(phantom.ct, grid, order=1), scan="copy")
    except Refusal:
        return {name: Compared(0.0, 1.0, (0.0, 0.0)) for name in MEASURED}
    return {name: _region(name, copy, phantom, original, again) for name in MEASURED}


def _region(name: str, copy: Copy, phantom: PhantomCt, original: Segmentation, again: Segmentation) -> Compared:
    grid, lengths = again.labels.grid, (_length_mm(original, name), _length_mm(again, name))
    mask, wanted = again.labels.mask(name), _carried(original.labels, name, grid)
    if not copy.turned:
        return Compared(dice(mask, wanted), 1.0, lengths)
    inner = _inner(original, name, grid, ndimage.binary_dilation(wanted, iterations=3))
    exact = _inside(phantom.vessels[REGIONS[name].vessel], grid, inner)
    loss = dice(exact, _carried(phantom.labels, name, grid) & inner)
    return Compared(dice(mask & inner, wanted & inner), loss, lengths)


def _carried(labels: Labels, name: str, grid: Grid) -> Mask:
    """A region at the nearest voxels of another lattice."""
    return np.asarray(_on(Volume(labels.data, labels.grid, "HU"), grid, order=0).data == REGIONS[name].value)


@cache
def _original() -> tuple[PhantomCt, Segmentation]:
    person = person_of_size("M", lean=False, seed=SEED)
    phantom = make_ct(person, draw_visit(person, "baseline", SEED), DEMO, seed=SEED, ct_noise_hu=NOISE_HU)
    return phantom, classical.segment(phantom.ct, scan="original")


def _cell(copy: Copy, one: Compared) -> str:
    return f"{one.overlap:.3f} ({one.exact:.3f})" if copy.turned else f"{one.overlap:.4f}"


def _length_mm(segmentation: Segmentation, region: str) -> float:
    return STATION_MM * sum(row.region == region for row in segmentation.stations)


def _inner(original: Segmentation, region: str, grid: Grid, near: Mask) -> Mask:
    """Voxels of `near` beside the region's stations, less those at its ends."""
    rows = [row for row in original.stations if row.region == region]
    ends = round(END_MM / STATION_MM)
    tree = cKDTree([[row.x_mm, row.y_mm, row.z_mm] for row in rows])
    voxels = np.argwhere(near)
    nearest = tree.query(grid.to_mm(voxels))[1]
    inner = np.zeros(near.shape, dtype=bool)
    inner[tuple(voxels[(nearest >= ends) & (nearest < len(rows) - ends)].T)] = True
    return inner


def _inside(vessel: PhantomVessel, grid: Grid, where: Mask) -> Mask:
    """Voxels of `where` inside the exact vessel."""
    voxels = np.argwhere(where)
    distance, nearest = cKDTree(vessel.points_mm).query(grid.to_mm(voxels))
    inside = np.zeros(where.shape, dtype=bool)
    inside[tuple(voxels[distance <= vessel.radius_mm[nearest]].T)] = True
    return inside


def _grid(grid: Grid, copy: Copy) -> Grid:
    """The lattice of the copy, over the same place in the world."""
    affine = grid.affine.copy()
    middle = grid.to_mm((np.array(grid.shape) - 1) / 2)
    turn = np.eye(3)
    for axis, degrees in enumerate(copy.turned_deg):
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        one = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        one[[first, first, second, second], [first, second, first, second]] = (cosine, -sine, sine, cosine)
        turn = one @ turn
    affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = middle + turn @ (affine[:3, 3] - middle)
    shape = grid.shape
    for axis in copy.flipped:
        affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
        affine[:3, axis] *= -1
    return Grid(tuple(shape[axis] for axis in copy.order), affine[:, [*copy.order, 3]])


def _on(volume: Volume, grid: Grid, *, order: int) -> Volume:
    """The volume at the voxels of `grid`; where these are its own, their very values; air beyond its ends."""
    step = np.linalg.inv(volume.grid.affine) @ grid.affine
    whole = np.rint(step)
    if np.abs(step - whole).max() < 1e-6:
        step = whole
    outside = -1024 if order else 0
    data: NDArray[np.generic] = ndimage.affine_transform(
        volume.data, step[:3, :3], step[:3, 3], output_shape=grid.shape, order=order, cval=outside
    )
    return Volume(data, grid, volume.unit)
