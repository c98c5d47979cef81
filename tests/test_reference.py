"""The reference measurement, worked out by hand on images of a few voxels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from acquisitions import acquired

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.volume import Labels, Volume
from petproc.reference import Geometry, blood_voxels, coverage_of_labels, measure, slices_of

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
GRID = Grid((6, 4, 8), np.diag([10.0, 10.0, 10.0, 1.0]))
"""Voxels of 1 mL."""


def acquisition() -> PetAcquisition:
    """One kilogram, 500 Bq, no decay: SUV is twice the activity."""
    return acquired((NOON,) * 8, injection=NOON, injected_activity_bq=500.0, weight_kg=1.0)


def vein() -> tuple[np.ndarray, np.ndarray]:
    """Two voxels a plane (200 mm2: radius 8 mm) in six planes; the one at j = 0 is 5 mm deep, the other 2 mm."""
    coverage, depth = np.zeros(GRID.shape), np.full(GRID.shape, -99.0)
    coverage[5, :2, :6] = 1.0
    depth[5, 0, :6], depth[5, 1, :6] = 5.0, 2.0
    return coverage, depth


def three_slices() -> tuple[Volume, Geometry]:
    """An ascending aorta of two voxels in planes 1 to 3, beside a vein of activity 4 (rim 1)."""
    data = np.zeros(GRID.shape, dtype=np.float32)
    coverage, depth = vein()
    data[5, 0], data[5, 1] = 4.0, 1.0
    aorta = np.zeros(GRID.shape)
    for k, values in ((1, (6.0, 2.0)), (2, (12.0, 8.0)), (3, (10.0, 5.0))):
        aorta[0, :2, k] = 1.0
        data[0, :2, k] = values
    regions = {"ascending_aorta": aorta, "superior_vena_cava": coverage}
    return Volume(data, GRID, "Bq/mL"), Geometry(regions, {}, depth)


def test_three_slices_by_hand():
    pet, geometry = three_slices()
    found = measure(pet, geometry, acquisition())
    slices = [entry for entry in found.slices if entry.voxels.region == "ascending_aorta"]
    assert found.blood_suv == 8.0
    assert [entry.suv_max for entry in slices] == [12.0, 24.0, 20.0]
    assert [entry.suv_mean for entry in slices] == [8.0, 20.0, 15.0]
    assert [entry.tbr_max for entry in slices] == [1.5, 3.0, 2.5]
    assert [entry.voxels.area_mm2 for entry in slices] == pytest.approx([200.0, 200.0, 200.0])
    vessel = found.vessels["ascending_aorta"]
    assert vessel["mean_tbr_max"] == pytest.approx(7.0 / 3.0)
    assert vessel["mean_tbr_mean"] == pytest.approx((1.0 + 2.5 + 1.875) / 3.0)
    assert vessel["max_tbr_max"] == 3.0


def test_a_voxel_less_than_half_inside_does_not_belong():
    pet, geometry = three_slices()
    geometry.coverage["ascending_aorta"][0, 0, 2] = 0.49
    entry = next(e for e in measure(pet, geometry, acquisition()).slices if e.voxels.pet_k == 2)
    assert entry.suv_max == 16.0
    assert entry.voxels.flag is None


def test_a_slice_without_such_a_voxel_keeps_its_best_one_and_is_flagged():
    pet, geometry = three_slices()
    geometry.coverage["ascending_aorta"][0, :2, 2] = 0.2, 0.4
    entry = next(e for e in measure(pet, geometry, acquisition()).slices if e.voxels.pet_k == 2)
    assert (entry.suv_max, entry.voxels.flag) == (16.0, "partial")


def test_a_slice_of_which_the_vessel_has_less_than_a_tenth_of_a_voxel_is_none():
    """The cut end of a thin vessel: a voxel beside it would be measured instead."""
    pet, geometry = three_slices()
    geometry.coverage["ascending_aorta"][0, :2, 3] = 0.09, 0.02
    found = measure(pet, geometry, acquisition())
    assert [e.voxels.pet_k for e in found.slices if e.voxels.region == "ascending_aorta"] == [1, 2]


def test_half_of_the_median_is_counted_in_whole_voxels():
    """Of 3, 3 and 1 voxels half of the median is 1.5: one voxel is enough, as thin vessels have one to three."""
    pet, geometry = three_slices()
    aorta = geometry.coverage["ascending_aorta"]
    aorta[0, 2, 1:3] = 1.0
    aorta[0, 1, 3] = 0.3
    slices = [e for e in measure(pet, geometry, acquisition()).slices if e.voxels.region == "ascending_aorta"]
    assert [(len(e.voxels.index), e.voxels.reason) for e in slices] == [(3, None), (3, None), (1, None)]


def test_a_slice_below_half_of_the_median_area_does_not_count():
    pet, geometry = three_slices()
    aorta = geometry.coverage["ascending_aorta"]
    aorta[0, 2, 1:4] = 1.0
    aorta[1:3, 0, 1:3] = 1.0
    aorta[0, 1:3, 3] = 0.1
    found = measure(pet, geometry, acquisition())
    reasons = {e.voxels.pet_k: e.voxels.reason for e in found.slices if e.voxels.region == "ascending_aorta"}
    assert reasons == {1: None, 2: None, 3: "area"}
    assert found.vessels["ascending_aorta"]["mean_tbr_max"] == pytest.approx((1.5 + 3.0) / 2.0)


def test_slices_near_hot_myocardium_do_not_count():
    pet, geometry = three_slices()
    hot = np.full(GRID.shape, 50.0)
    hot[0, 1, 1], hot[0, 1, 2] = 11.9, 12.0
    found = measure(pet, replace(geometry, hot_mm=hot), acquisition())
    assert found.vessels["ascending_aorta"]["mean_tbr_max"] == pytest.approx((3.0 + 2.5) / 2.0)


def test_the_arch_is_cut_along_its_centreline():
    _, geometry = three_slices()
    arch = np.zeros(GRID.shape)
    arch[0:4, 0, 0] = 1.0
    arc = np.full(GRID.shape, np.nan)
    arc[0:4, 0, 0] = -10.1, -0.1, 0.0, 9.9
    slabs = slices_of("aortic_arch", replace(geometry, coverage={"aortic_arch": arch}, arc_mm={"aorta": arc}), GRID)
    assert [(slab.slice, len(slab.index), slab.slice_mm, slab.pet_k) for slab in slabs] == [
        (-2, 1, 10.0, None),
        (-1, 1, 10.0, None),
        (0, 2, 10.0, None),
    ]


def test_blood_is_the_deepest_voxels_of_six_planes():
    _, geometry = three_slices()
    assert blood_voxels(geometry, GRID).tolist() == [[5, 0, k] for k in range(6)]


def test_blood_stays_away_from_other_vessels():
    _, geometry = three_slices()
    away = np.full(GRID.shape, 6.0)
    away[5, 0, 0] = 5.9
    with pytest.raises(Refusal, match="blood pool"):
        blood_voxels(replace(geometry, away_mm=away), GRID)


def test_a_thin_vein_is_refused():
    _, geometry = three_slices()
    coverage, depth = vein()
    coverage[5, 1] = 0.0
    with pytest.raises(Refusal, match=r"radius 5\.6 mm"):
        blood_voxels(replace(geometry, coverage={"superior_vena_cava": coverage}, depth_mm=depth), GRID)


def test_without_dose_nothing_is_measured():
    pet, geometry = three_slices()
    with pytest.raises(Refusal, match="RadionuclideTotalDose"):
        measure(pet, geometry, replace(acquisition(), injected_activity_bq=None))


@pytest.mark.parametrize("flip", [False, True])
def test_coverage_of_labels_counts_shares_of_voxels(flip: bool):
    """Labels of 2.5 mm under a PET of 10 mm: 6 of them in i cover one PET voxel and half of the next."""
    data = np.zeros((16, 8, 8), dtype=np.uint8)
    data[4:10, 0:4, 0:4] = 3
    affine = np.diag([2.5, 2.5, 2.5, 1.0])
    affine[:3, 3] = -3.75
    if flip:
        data = data[::-1]
        affine[0] = [-2.5, 0, 0, -3.75 + 15 * 2.5]
    labels = Labels(np.ascontiguousarray(data), Grid(data.shape, affine), {3: "descending_aorta"})
    pet = Grid((4, 2, 2), np.diag([10.0, 10.0, 10.0, 1.0]))
    coverage = coverage_of_labels(labels, "descending_aorta", pet)
    assert coverage[:, 0, 0].tolist() == [0.0, 1.0, 0.5, 0.0]
    assert coverage.sum() == 1.5
