"""The mask of a whole aorta, as most programs draw it, painted as its parts by the rules of `parts`.

The mask may hold any stretch, and be in pieces where the field of view cuts the arch off. World space is RAS+ mm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import REGIONS
from petproc.segment.centreline import centreline_of_mask
from petproc.segment.parts import NO_REGION, RISE_MM, Guides, Point, split_aorta
from petproc.segment.sections import Floats, Mask
from petproc.segment.stations import Tube
from petproc.segment.torso import BESIDE_MM, BESIDE_SHARE, STEP_MM, Torso
from petproc.segment.tube_pieces import GAP, joined

LUNG_HU = (-950.0, -600.0)
TOUCHING = np.ones((3, 3, 3), dtype=bool)


def painted_parts(
    mask: Mask, grid: Grid, *, torso: Torso, carina: Point | None, guides: Guides | None = None
) -> NDArray[np.uint8]:
    """Label values of the aorta's parts on `grid`, 0 outside `mask`, in the root and in pieces without a centreline.

    A voxel belongs to the part of the nearest point of the centreline of its piece. Refused as `vessel-too-short` where
    no piece has a centreline, and as `split_aorta` refuses.
    """
    pieces, count = ndimage.label(mask, TOUCHING)
    found: list[tuple[int, Tube]] = []
    short: Refusal | None = None
    for number in range(1, count + 1):
        try:
            found.append((number, centreline_of_mask(pieces == number, grid)))
        except Refusal as refusal:
            short = refusal
    if not found:
        assert short is not None
        raise short
    ordered = _with_flow(found)
    line, numbers = joined([(tube, (str(number),) * len(tube.points_mm)) for number, tube in ordered])
    beside = _lung_beside(torso, line.points_mm)
    regions = np.array(split_aorta(line.points_mm, carina=carina, lung_beside=beside, guides=guides))
    values = np.array([0 if name in (GAP, NO_REGION) else REGIONS[name].value for name in regions], dtype=np.uint8)
    data = np.zeros(mask.shape, dtype=np.uint8)
    for number, _ in ordered:
        own = np.array([name == str(number) for name in numbers])
        voxels = np.argwhere(pieces == number)
        nearest = cKDTree(line.points_mm[own]).query(grid.to_mm(voxels))[1]
        data[tuple(voxels.T)] = values[own][nearest]
    return data


def _lung_beside(torso: Torso, points: Floats) -> Mask:
    """As `Torso.lung_beside`; of a chest whose lungs are cut off to pieces too small, by lung's density from the top.

    The abdomen holds such densities too, at the rims of gas: there the first place without them ends the chest.
    """
    beside = torso.lung_beside(points)
    apex = int(points[:, 2].argmax())
    if beside.any() or points[apex, 2] - points[0, 2] <= RISE_MM:
        return beside
    grid, reach = torso.image.grid, round(BESIDE_MM / STEP_MM)
    offset = np.arange(-reach, reach + 1)
    disc = np.stack(np.meshgrid(offset, offset, [0], indexing="ij"), axis=-1).reshape(-1, 3)
    disc = disc[(disc**2).sum(axis=1) <= reach**2]
    index = np.rint(grid.to_index(points)).astype(int)[:, None] + disc
    inside = ((index >= 0) & (index < grid.shape)).all(axis=2)
    hu = torso.image.data[tuple(np.moveaxis(np.clip(index, 0, np.array(grid.shape) - 1), 2, 0))]
    like_lung = (hu > LUNG_HU[0]) & (hu < LUNG_HU[1]) & inside
    beside = like_lung.sum(axis=1) > BESIDE_SHARE * np.maximum(inside.sum(axis=1), 1)
    ends = np.flatnonzero(~beside[apex:])
    beside[apex + int(ends[0]) if len(ends) else len(beside) :] = False
    return np.asarray(beside)


def touching(branch: Mask, aorta: Mask, grid: Grid) -> Floats | None:
    """Where a branch touches the aorta: the centres (n, 3) of its voxels next to it, in the largest patch of them."""
    rim = branch & ~aorta & ndimage.binary_dilation(aorta, TOUCHING)
    patches, count = ndimage.label(rim, TOUCHING)
    if not count:
        return None
    largest = 1 + int(np.bincount(patches.ravel())[1:].argmax())
    return grid.to_mm(np.argwhere(patches == largest))


def _with_flow(pieces: Sequence[tuple[int, Tube]]) -> list[tuple[int, Tube]]:
    """The pieces in the order of flow, each with it: an ascending limb lies in front of a descending one."""
    limbs = [limb for number, tube in pieces for limb in _limbs(number, tube)]
    directed = []
    for number, tube in pieces:
        own = [points for at, points in limbs if at == number]
        if len(own) == 2:
            ascends_first = _in_front(own[0], own[1])
        else:
            rises = any(_in_front(own[0], other) for at, other in limbs if at != number)
            ascends_first = rises == bool(own[0][-1, 2] > own[0][0, 2])
        turned = tube if ascends_first else Tube(tube.points_mm[::-1], tube.radii_mm[::-1])
        directed.append((number, turned))

    def place(entry: tuple[int, Tube]) -> tuple[bool, float]:
        points = entry[1].points_mm
        return not points[:, 2].max() - points[0, 2] > RISE_MM, -float(points[:, 2].max())

    return sorted(directed, key=place)


def _limbs(number: int, tube: Tube) -> list[tuple[int, Floats]]:
    """The tube as one limb, or as the two on either side of its highest point."""
    points = tube.points_mm
    apex = int(points[:, 2].argmax())
    bends = min(points[apex, 2] - points[0, 2], points[apex, 2] - points[-1, 2]) > RISE_MM
    return [(number, points[: apex + 1]), (number, points[apex:])] if bends else [(number, points)]


def _in_front(limb: Floats, other: Floats) -> bool:
    """Whether a limb lies in front of another at the heights that both have; not where they share none."""
    low = max(limb[:, 2].min(), other[:, 2].min())
    high = min(limb[:, 2].max(), other[:, 2].max())
    if high - low < RISE_MM / 2:
        return False
    shared = [part[(part[:, 2] >= low) & (part[:, 2] <= high), 1].mean() for part in (limb, other)]
    return bool(shared[0] > shared[1])
