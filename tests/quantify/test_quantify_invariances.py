"""What must not change a number, over random scans; and statistics of masks by programs of others, to 1e-6."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK
from hand_made import AORTA, CAVA, SHAPE, Vessel, acquisition, scan_of
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st
from scipy import ndimage

from petproc.core.metrics import METRICS
from petproc.quantify import quantify_scan
from petproc.quantify.background import measure_background
from petproc.quantify.organ import measure_organ
from petproc.quantify.scan import Scans, prepare
from petproc.quantify.slices import cut_region
from petproc.settings import QuantifySettings

REGION = "descending_aorta"
ALL = QuantifySettings(regions=(REGION,), further_metrics=tuple(METRICS))
factors = st.floats(0.2, 5.0)


def noisy(seed=0, **changes):
    """The hand-made scan in which every voxel of the PET has an activity of its own, the vena cava a narrow range."""
    generator = np.random.default_rng(seed)
    image = generator.uniform(4000.0, 12000.0, SHAPE)
    image[19:26] = generator.uniform(3600.0, 4400.0, image[19:26].shape)
    tables = scan_of(AORTA, CAVA, **changes)
    index = tuple(tables.voxels[axis] for axis in "ijk")
    return image, replace(tables, voxels={**tables.voxels, "activity": image[index].astype(np.float32)})


def values(tables):
    return {row.metric: row.value for row in quantify_scan(tables, ALL).uptake if row.region == REGION}


@tried(max_examples=25)
@given(dose=factors, weight=st.floats(0.6, 2.0), slope=factors, seed=st.integers(0, 3))
def test_dose_weight_and_slope_scale_suv_and_leave_every_ratio(dose, weight, slope, seed):
    _, plain = noisy(seed)
    known = acquisition(injected_activity_bq=140e6 * dose, weight_kg=70.0 * weight)
    voxels = {**plain.voxels, "activity": plain.voxels["activity"].astype(np.float64) * slope}
    before, after = values(plain), values(replace(plain, acquisition=known, voxels=voxels))
    for name, metric in METRICS.items():
        factor = slope * weight / dose if metric.needs_suv else 1.0
        assert after[name] == pytest.approx(before[name] * factor, rel=1e-6)


@tried(max_examples=25)
@given(slope=factors, plane=st.integers(0, SHAPE[2] - 1))
def test_one_slope_for_a_single_slice_does_not_cancel(slope, plane):
    """Ratios forgive an error of the whole image, not one of a part of it."""
    _, plain = noisy()
    activity = plain.voxels["activity"].astype(np.float64)
    here = (plain.voxels["k"] == plane) & (plain.voxels["region"] == 3)
    wrong = replace(plain, voxels={**plain.voxels, "activity": np.where(here, activity * slope, activity)})
    assert (values(wrong)["mean_tbr_max"] > values(plain)["mean_tbr_max"]) == (slope > 1.0) or slope == 1.0


def masks(region, depth_mm, shape=SHAPE):
    """Label images of the PET: in plane k of `region` the voxels deep enough have label k + 1; and all of them 1."""
    k, j, i = np.meshgrid(*map(np.arange, shape[::-1]), indexing="ij")
    inside = region.radius - np.hypot(i * 4.0 - region.x, j * 4.0 - region.y) >= depth_mm
    return (np.where(inside, k + 1, 0).transpose(2, 1, 0), inside.astype(int).transpose(2, 1, 0))


def by_scipy(image, labels):
    """Mean, max, SD (n - 1) and number of voxels of each label."""
    numbers = np.unique(labels[labels > 0])
    count = ndimage.sum_labels(np.ones_like(image), labels, numbers)
    spread = ndimage.standard_deviation(image, labels, numbers) * np.sqrt(count / np.maximum(count - 1, 1))
    return (ndimage.mean(image, labels, numbers), ndimage.maximum(image, labels, numbers), spread, count)


def by_simpleitk(image, labels):
    statistics = SimpleITK.LabelStatisticsImageFilter()
    statistics.Execute(
        SimpleITK.GetImageFromArray(image.astype(np.float64)), SimpleITK.GetImageFromArray(labels.astype(np.uint8))
    )
    numbers = [int(number) for number in np.unique(labels[labels > 0])]
    asked = (statistics.GetMean, statistics.GetMaximum, statistics.GetSigma, statistics.GetCount)
    return tuple(np.array([ask(number) for number in numbers], dtype=np.float64) for ask in asked)


@pytest.mark.parametrize("other", [by_scipy, by_simpleitk])
@pytest.mark.parametrize("depth_mm", [0.0, 3.0, -2.0])
def test_slices_have_the_statistics_of_their_masks(other, depth_mm):
    image, tables = noisy(1)
    settings = QuantifySettings(regions=(REGION,), depth_mm=(depth_mm, None))
    slices = cut_region(REGION, prepare(tables, settings), settings)
    mean, highest, _, count = other(image, masks(AORTA, depth_mm)[0])
    of = np.argsort(slices.pet_k)  # label k + 1 is plane k
    assert np.array_equal(slices.n_voxel[of], count)
    assert np.allclose(slices.activity_mean[of], mean, rtol=1e-6)
    assert np.allclose(slices.activity_max[of], highest, rtol=1e-6)


@pytest.mark.parametrize("other", [by_scipy, by_simpleitk])
def test_the_blood_pool_has_the_statistics_of_its_mask(other):
    image, tables = noisy(2)
    pool = measure_background("superior_vena_cava", prepare(tables, ALL), ALL.background)
    mask = np.zeros(SHAPE, dtype=int)
    mask[tuple(pool.index.T)] = 1
    mean, _, spread, count = other(image, mask)
    assert (len(pool.k), pool.activity) == (count[0], pytest.approx(mean[0], rel=1e-6))
    assert pool.cov == pytest.approx(spread[0] / mean[0], rel=1e-6)


@pytest.mark.parametrize("other", [by_scipy, by_simpleitk])
def test_an_organ_has_the_statistics_of_its_mask(other):
    image = np.random.default_rng(3).uniform(3000.0, 9000.0, SHAPE)
    liver = Vessel("descending_aorta", x=60.0, radius=20.0)
    tables = scan_of(liver)
    own = tables.voxels["depth_p50"] >= 0.0
    voxels = {name: column[own] for name, column in tables.voxels.items()}
    index = tuple(voxels[axis] for axis in "ijk")
    voxels |= {"region": np.full(own.sum(), 16, dtype=np.uint8), "station": np.full(own.sum(), -1)}
    voxels |= {"activity": image[index].astype(np.float32)}
    settings = QuantifySettings(regions=("liver",))
    organ = measure_organ("liver", Scans(replace(tables, voxels=voxels), settings), settings)
    mean, highest, spread, count = other(image, masks(liver, settings.depth_in("liver"))[1])
    assert organ.n_voxel == count[0]
    assert organ.activity_mean == pytest.approx(mean[0], rel=1e-6)
    assert organ.activity_max == pytest.approx(highest[0], rel=1e-6)
    assert organ.cov == pytest.approx(spread[0] / mean[0], rel=1e-6)
