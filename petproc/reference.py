"""A slow, plain measurement straight from images, by the definitions alone.

It is the truth of the digital trial and a second path to check the product's own, and therefore imports nothing of the
stages. Definitions:

* a voxel belongs to a slice when at least half of it lies inside the vessel's outer wall; where none of a slice does,
  its best covered voxel stands in, if at least a tenth of it lies inside, and the slice is flagged `partial`;
* slices are axial PET planes, or slabs across the centreline (5 mm, at least the largest voxel edge) in regions that
  are sliced along it;
* a slice does not count when it has fewer voxels than half of the region's median, in whole voxels, or when PET-hot
  myocardium lies within 12 mm of one of its voxels;
* SUVmax_k and SUVmean_k over the slice's voxels; blood = mean of the deepest 1.5 mL of the background vessel, at least
  3 mm under its wall, 6 mm away from other vessels and hot myocardium, none below a radius of 6 mm;
  TBRmax_k = SUVmax_k / blood, TBRmean_k = SUVmean_k / blood;
* vessel: mean_k TBRmax_k ("mean of max"), mean_k TBRmean_k ("mean of mean"), max_k TBRmax_k ("max of max").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import REGIONS, SVC
from petproc.core.suv import suv_per_activity
from petproc.core.volume import Labels, Volume

COVERAGE_MIN = 0.5
STAND_IN_MIN = 0.1
SLAB_MM = 5.0
AREA_MIN = 0.5
MYOCARDIUM_MM = 12.0
BLOOD_ML = 1.5
BLOOD_DEPTH_MM = 3.0
BLOOD_RADIUS_MM = 6.0
BLOOD_AWAY_MM = 6.0
BLOOD_SLICES = 6

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the vessels are, as images on the PET grid, each of shape (I, J, K).

    `coverage`: region -> share of every voxel that lies inside the vessel's outer wall and belongs to the region.
    `arc_mm`: vessel -> arc length of the centreline place nearest to the voxel (used where a region is sliced along
    it). `depth_mm`: how deep the voxel's centre lies under the background vessel's wall. `away_mm`: distance of the
    voxel's centre from the nearest other vessel, `hot_mm`: from PET-hot myocardium; None where there is none.
    """

    coverage: Mapping[str, Floats]
    arc_mm: Mapping[str, Floats]
    depth_mm: Floats
    away_mm: Floats | None = None
    hot_mm: Floats | None = None
    background: str = SVC


@dataclass(frozen=True, eq=False)
class SliceVoxels:
    """The voxels (N, 3) of one slice, numbered with the flow, and whether the slice counts."""

    region: str
    slice: int
    pet_k: int | None
    index: NDArray[np.int64]
    area_mm2: float
    slice_mm: float
    flag: str | None
    reason: str | None = None

    @property
    def counts(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, eq=False)
class SliceMeasure:
    voxels: SliceVoxels
    suv_max: float
    suv_mean: float
    tbr_max: float
    tbr_mean: float


@dataclass(frozen=True, eq=False)
class Measurement:
    """`vessels`: region -> metric -> value, from the slices that count; regions without one are not there."""

    slices: tuple[SliceMeasure, ...]
    blood_suv: float
    blood_index: NDArray[np.int64]
    vessels: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def measure(pet: Volume, geometry: Geometry, acquisition: PetAcquisition) -> Measurement:
    """Measure every region of `geometry` on a PET in Bq/mL; a `Refusal` where SUV or the blood pool cannot be had."""
    suv = np.asarray(pet.data, dtype=np.float64) * suv_per_activity(acquisition)
    blood_index = blood_voxels(geometry, pet.grid)
    blood = float(suv[tuple(blood_index.T)].mean())
    slices = []
    for region in geometry.coverage:
        for voxels in slices_of(region, geometry, pet.grid):
            values = suv[tuple(voxels.index.T)]
            high, mean = float(values.max()), float(values.mean())
            slices.append(SliceMeasure(voxels, high, mean, high / blood, mean / blood))
    vessels = {region: metrics for region in geometry.coverage if (metrics := _vessel(region, slices))}
    return Measurement(tuple(slices), blood, blood_index, vessels)


def _vessel(region: str, slices: list[SliceMeasure]) -> dict[str, float]:
    counted = [entry for entry in slices if entry.voxels.region == region and entry.voxels.counts]
    if not counted:
        return {}
    return {
        "mean_tbr_max": sum(entry.tbr_max for entry in counted) / len(counted),
        "mean_tbr_mean": sum(entry.tbr_mean for entry in counted) / len(counted),
        "max_tbr_max": max(entry.tbr_max for entry in counted),
        "mean_suv_max": sum(entry.suv_max for entry in counted) / len(counted),
        "mean_suv_mean": sum(entry.suv_mean for entry in counted) / len(counted),
    }


def slices_of(region: str, geometry: Geometry, grid: Grid) -> list[SliceVoxels]:
    """The region's slices, axial ones from below upwards in k, slabs by growing arc length."""
    coverage = geometry.coverage[region]
    place = np.argwhere(coverage > 0)
    slab_mm = float(grid.spacing[2])
    number = place[:, 2]
    axial = REGIONS[region].slicing == "axial"
    if not axial:
        slab_mm = max(SLAB_MM, float(grid.spacing.max()))
        arc = geometry.arc_mm[REGIONS[region].vessel][tuple(place.T)]
        number = np.floor(arc / slab_mm).astype(int)
    found = []
    for value in np.unique(number):
        index = place[number == value]
        share = coverage[tuple(index.T)]
        if share.max() < STAND_IN_MIN:
            continue
        inside = share >= COVERAGE_MIN
        flag = None if inside.any() else "partial"
        index = index[inside] if inside.any() else index[[int(share.argmax())]]
        area = len(index) * grid.voxel_ml * 1000.0 / slab_mm
        found.append(SliceVoxels(region, int(value), int(value) if axial else None, index, area, slab_mm, flag))
    return _judged(found, geometry.hot_mm)


def _judged(slices: list[SliceVoxels], hot_mm: Floats | None) -> list[SliceVoxels]:
    if not slices:
        return []
    least = int(AREA_MIN * np.median([len(entry.index) for entry in slices]))
    judged = []
    for entry in slices:
        reason = None
        if len(entry.index) < least:
            reason = "area"
        elif hot_mm is not None and hot_mm[tuple(entry.index.T)].min() < MYOCARDIUM_MM:
            reason = "myocardium"
        judged.append(
            SliceVoxels(
                entry.region, entry.slice, entry.pet_k, entry.index, entry.area_mm2, entry.slice_mm, entry.flag, reason
            )
        )
    return judged


def blood_voxels(geometry: Geometry, grid: Grid) -> NDArray[np.int64]:
    """Voxels (N, 3) of the blood pool: the deepest first, of equally deep ones the lower k, j, i first."""
    coverage = geometry.coverage[geometry.background]
    plane_mm2 = grid.voxel_ml * 1000.0 / float(grid.spacing[2])
    areas = coverage.sum(axis=(0, 1), dtype=np.float64) * plane_mm2
    radius = np.sqrt(areas / np.pi)
    typical = float(np.median(radius[radius > 0])) if (radius > 0).any() else 0.0
    allowed = (coverage > 0) & (geometry.depth_mm >= BLOOD_DEPTH_MM)
    for distance in (geometry.away_mm, geometry.hot_mm):
        if distance is not None:
            allowed &= distance >= BLOOD_AWAY_MM
    index = np.argwhere(allowed)
    depth = geometry.depth_mm[tuple(index.T)]
    order = np.lexsort((index[:, 0], index[:, 1], index[:, 2], -depth))
    index = index[order]
    planes = np.sort(np.unique(index[:, 2], return_index=True)[1])
    count = max(int(np.ceil(BLOOD_ML / grid.voxel_ml - 1e-9)), int(planes[:BLOOD_SLICES].max(initial=0)) + 1)
    if typical < BLOOD_RADIUS_MM or len(index) < count or len(planes) < BLOOD_SLICES:
        raise Refusal(
            "background-refused",
            f"The blood pool cannot be had: radius {typical:.1f} mm, {len(index) * grid.voxel_ml:.2f} mL deep enough.",
            "Take another background region.",
        )
    return index[:count]


def coverage_of_labels(labels: Labels, region: str, pet: Grid, *, lattice: int = 8) -> NDArray[np.float32]:
    """Share of every PET voxel that a label image gives to `region`: lattice^3 points a voxel, nearest label."""
    mask = labels.mask(region)
    coverage = np.zeros(pet.shape, np.float32)
    inside = np.argwhere(mask)
    if not len(inside):
        return coverage
    corners = pet.to_index(labels.grid.to_mm(inside))
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 3, pet.shape)
    step = (np.arange(lattice) + 0.5) / lattice - 0.5
    points = np.stack(np.meshgrid(step, step, step, indexing="ij"), axis=-1).reshape(-1, 3)
    for i in range(low[0], high[0]):
        for j in range(low[1], high[1]):
            k = np.arange(low[2], high[2])
            centres = np.stack([np.full_like(k, i), np.full_like(k, j), k], axis=1).astype(float)
            at = np.rint(labels.grid.to_index(pet.to_mm(centres[:, None] + points))).astype(int)
            valid = ((at >= 0) & (at < mask.shape)).all(axis=2)
            at = np.clip(at, 0, np.array(mask.shape) - 1)
            coverage[i, j, k] = (mask[tuple(np.moveaxis(at, 2, 0))] & valid).mean(axis=1)
    return coverage


def coverage_at(
    labels: Labels, regions: Sequence[str], pet: Grid, index: NDArray[np.integer], *, lattice: int = 4
) -> NDArray[np.float64]:
    """Share of the PET voxels `index` (N, 3) that a label image gives to any of `regions`, as `coverage_of_labels`."""
    values = [value for value, name in labels.names.items() if name in regions]
    step = (np.arange(lattice) + 0.5) / lattice - 0.5
    points = np.stack(np.meshgrid(step, step, step, indexing="ij"), axis=-1).reshape(-1, 3)
    hits = np.zeros(len(index))
    for point in points:
        at = np.rint(labels.grid.to_index(pet.to_mm(index + point))).astype(int)
        valid = ((at >= 0) & (at < labels.data.shape)).all(axis=1)
        at = np.clip(at, 0, np.array(labels.data.shape) - 1)
        hits += np.isin(labels.data[tuple(at.T)], values) & valid
    return hits / len(points)
