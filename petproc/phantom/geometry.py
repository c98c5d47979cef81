"""The exact vessels, on any grid: true labels for the CT, and what `reference` needs to know on the PET."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from petproc.core.grid import Grid
from petproc.core.regions import AORTA, CAROTIDS, LABEL_NAMES, REGIONS, SVC, regions_of
from petproc.core.tables import FAR_MM
from petproc.core.volume import Labels
from petproc.phantom.anatomy import Anatomy
from petproc.phantom.organs import CARINA
from petproc.phantom.paths import JUGULARS
from petproc.phantom.shapes import Tube, tube
from petproc.phantom.space import Floats, Lattice
from petproc.phantom.vessels import Vessel
from petproc.phantom.wall import thin
from petproc.reference import Geometry

LATTICE = 8
"""Points along each edge of a PET voxel, over which its coverage is counted where half of it is in doubt."""
DOUBT_MM = 0.6
"""So near to the wall a voxel's centre must lie for that; further away a flat wall is near enough, save for a carotid,
whose slices may have no voxel that is half covered."""
MEASURED = (AORTA, *CAROTIDS, SVC)
"""By the perfect reader."""
LABELLED = (*JUGULARS, *CAROTIDS, SVC, AORTA)
"""In the true labels, the later ones over the earlier ones."""


@dataclass(frozen=True, eq=False)
class PhantomVessel:
    """The true vessel in RAS+ mm: centreline (N, 3) every half millimetre with flow, outer radius (N,), arc length (N,)
    from the vessel's landmark, region (N,) with "" outside of every region."""

    name: str
    points_mm: Floats
    radius_mm: Floats
    arc_mm: Floats
    region: NDArray[np.str_]


def in_world(vessel: Vessel, lattice: Lattice) -> PhantomVessel:
    """Arc length counts from the landmark: of the aorta from the descending limb at the carina's height, of a carotid
    from its bifurcation; of a vein from the upper end of its region."""
    pose, body = lattice.pose, vessel.tube
    named = np.flatnonzero(vessel.region != "")
    zero = int(named[0])
    if vessel.name in CAROTIDS:
        zero = int(named[-1])
    elif vessel.name == AORTA:
        apex = int(body.points[:, 2].argmax())
        zero = apex + int(np.argmax(body.points[apex:, 2] <= CARINA[2]))
    arc = (body.arc - body.arc[zero]) * pose.scale
    return PhantomVessel(vessel.name, pose.to_world(body.points), body.radius * pose.scale, arc, vessel.region)


def true_labels(anatomy: Anatomy, ct: Grid) -> Labels:
    """CT voxels whose centre lies inside a vessel's outer wall; the nearest centreline sample gives the region."""
    lattice = Lattice(ct, anatomy.canvas.lattice.pose)
    data = np.zeros(ct.shape, np.uint8)
    for name in LABELLED:
        vessel = anatomy.vessels[name]
        index, _, sample = _voxels(vessel.tube, lattice, reach=0.0)
        values = np.array([REGIONS[name].value if name else 0 for name in vessel.region], np.uint8)
        data[tuple(index.T)] = values[sample]
    return Labels(data, ct, LABEL_NAMES)


def on_pet(anatomy: Anatomy, pet: Grid) -> Geometry:
    """Coverage by counting points inside the exact tube; depth and distances from voxel centres (world mm)."""
    lattice = Lattice(pet, anatomy.canvas.lattice.pose)
    scale = lattice.pose.scale
    coverage: dict[str, NDArray[np.float32]] = {}
    arc: dict[str, NDArray[np.float32]] = {}
    depth = np.full(pet.shape, -FAR_MM, np.float32)
    away = np.full(pet.shape, FAR_MM, np.float32)
    hot = np.full(pet.shape, FAR_MM, np.float32)
    measured = [anatomy.vessels[name] for name in MEASURED if anatomy.vessels[name].region.any()]
    for vessel in measured:
        index, distance, sample = _voxels(vessel.tube, lattice, reach=4.0 / scale)
        share = _coverage(vessel.tube, lattice, index, distance, doubt_mm=FAR_MM if thin(vessel) else DOUBT_MM)
        along = np.full(pet.shape, np.nan, np.float32)
        along[tuple(index.T)] = in_world(vessel, lattice).arc_mm[sample]
        arc[vessel.name] = along
        for name in regions_of(vessel.name):
            image = np.zeros(pet.shape, np.float32)
            here = vessel.region[sample] == name
            image[tuple(index[here].T)] = share[here]
            coverage[name] = image
        points = lattice.points(index)
        if len(anatomy.hot_myocardium):
            hot[tuple(index.T)] = cKDTree(anatomy.hot_myocardium).query(points)[0] * scale
        if vessel.name == SVC:
            depth[tuple(index.T)] = -distance * scale
            others = [other.tube.nearest(points)[0] for other in measured if other.name != SVC]
            away[tuple(index.T)] = np.min(others, axis=0) * scale
    return Geometry(coverage, arc, depth, away, hot if len(anatomy.hot_myocardium) else None)


def _voxels(vessel: Tube, lattice: Lattice, *, reach: float) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Voxels (N, 3) whose centre is within `reach` of the vessel, their signed distance and nearest sample."""
    box, near = tube(lattice, vessel, reach=reach + 1.0)
    index = np.argwhere(near <= reach + 0.5) + [side.start for side in box]
    distance, sample = vessel.nearest(lattice.points(index))
    keep = distance <= reach
    return index[keep], distance[keep], sample[keep]


def _coverage(
    vessel: Tube, lattice: Lattice, index: NDArray[np.int64], distance: Floats, *, doubt_mm: float
) -> NDArray[np.float32]:
    grid, pose = lattice.grid, lattice.pose
    share = np.clip(0.5 - distance * pose.scale / grid.spacing.max(), 0.0, 1.0).astype(np.float32)
    edge = np.flatnonzero(np.abs(distance) * pose.scale <= doubt_mm)
    step = (np.arange(LATTICE) + 0.5) / LATTICE - 0.5
    offsets = np.stack(np.meshgrid(step, step, step, indexing="ij"), axis=-1).reshape(-1, 3)
    points = pose.to_body(grid.to_mm(index[edge][:, None] + offsets))
    inside = vessel.nearest(points.reshape(-1, 3))[0] <= 0
    share[edge] = inside.reshape(len(edge), -1).mean(axis=1)
    return np.asarray(share)
