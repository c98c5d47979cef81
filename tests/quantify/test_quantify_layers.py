"""Layers by depth and ways to cut, by hand: 21 voxels a plane, by distance from the axis 0 (1), 4 (4), 5.66 (4), 8 (4)
and 8.94 mm (8) under a wall at 10 mm; outside of it 11.31 (4) and 12 mm (4)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from petproc.core.errors import Refusal
from petproc.quantify import columns_read
from petproc.quantify.scan import prepare
from petproc.quantify.slices import cut_region
from petproc.settings import QuantifySettings, Settings

REGION = "descending_aorta"


def cut(tables, region=REGION, **settings):
    asked = QuantifySettings(**settings)
    return cut_region(region, prepare(tables, asked), asked)


def voxels(tables, **settings):
    return set(cut(tables, **settings).n_voxel.tolist())


@pytest.mark.parametrize(
    ("layer", "count"),
    [((0, None), 21), ((0, 3), 12), ((3, None), 9), ((5, None), 5), ((-2, 0), 8), ((-2, None), 29), ((1.5, 3), 4)],
)
def test_a_layer_runs_from_its_outer_limit_up_to_the_deeper_one(scan, layer, count):
    assert voxels(scan, depth_mm=layer) == {count}


def test_layers_that_touch_leave_no_voxel_out_and_share_none(scan):
    noise = np.random.default_rng(1).uniform(1e3, 1e4, len(scan.voxels["i"]))
    noisy = replace(scan, voxels={**scan.voxels, "activity": noise})
    wall, core, whole = (cut(noisy, depth_mm=layer) for layer in ((0, 3), (3, None), (0, None)))
    assert (wall.n_voxel + core.n_voxel).tolist() == whole.n_voxel.tolist()
    sums = wall.activity_mean * wall.n_voxel + core.activity_mean * core.n_voxel
    assert np.allclose(sums, whole.activity_mean * whole.n_voxel, rtol=1e-12)
    assert np.array_equal(np.maximum(wall.activity_max, core.activity_max), whole.activity_max)


def test_the_deeper_limit_asks_the_opposite_quantile_for_the_same_share_of_a_voxel(scan):
    # Three quarters of a voxel 1 mm above and below its middle: of 0 to 3 mm those from 1 to 2 mm deep, at 8.94 mm.
    depth = scan.voxels["depth_p50"]
    wide = replace(scan, voxels={**scan.voxels, "depth_p25": depth - 1, "depth_p75": depth + 1})
    assert voxels(wide, depth_mm=(0, 3), coverage="p25") == {8}
    assert {"depth_p25", "depth_p75"} <= set(columns_read("p25"))


def test_what_stands_in_for_a_layer_never_lies_under_it(make_scan, aorta):
    # Radius 6.5, axis on a voxel: 6.5 (1), 2.5 (4) and 0.84 mm (4) deep; of the layer from 1 to 2 mm no middle. Those
    # at 0.84 reach 1.5 mm further in and stand in; those at 2.5 and 6.5 mm, deeper though they are, do not.
    slices = cut(make_scan(replace(aorta, radius=6.5)), depth_mm=(1, 2))
    assert slices.partial.all()
    assert {tuple(abs(np.array(place[:2]) - (8, 5))) for place in slices.hottest.tolist()} == {(1, 1)}


def test_a_region_is_cut_across_its_centreline_where_the_analysis_says_so(scan):
    slices = cut(scan, slicing={REGION: "centreline"})
    assert slices.pet_k is None
    assert slices.slice_mm == 5.0
    assert (slices.n_voxel / 21).tolist() == np.bincount(np.arange(0, 60, 3) // 5, minlength=12).tolist()


def test_an_arch_is_cut_by_planes_where_the_analysis_says_so(make_scan, aorta):
    tables = make_scan(replace(aorta, region="aortic_arch", radius=12.0))
    assert cut(tables, "aortic_arch", slicing={"aortic_arch": "axial"}).pet_k.tolist() == list(range(19, -1, -1))


@pytest.mark.parametrize(
    ("quantify", "words"),
    [
        ({"inner_depth_mm": 2.0}, r"inner_depth_mm is depth_mm now: write depth_mm: \[2.0, null\]"),
        ({"depth_mm": [3, 1]}, "from the outer to the deeper limit, not from 3 to 1"),
        ({"depth_mm": [2, 2]}, "from the outer to the deeper limit"),
        ({"depth_mm": [-13, 0]}, "begins 13 mm outside the wall, and voxels are kept up to sample.reach_mm, 12 mm"),
        ({"slicing": {"aorta": "axial"}}, "unknown region aorta"),
        ({"slicing": {"liver": "axial"}}, "liver: an organ, not a vessel"),
        ({"slicing": {REGION: "oblique"}}, "'axial' or 'centreline'"),
        ({"further_metrics": ["suv_peek"]}, "unknown metric suv_peek; known are mean_suv_max"),
        ({"glucose_reference_mmol_l": 0}, "greater than 0"),
        ({"positive_tbr": -1}, "greater than 0"),
    ],
)
def test_an_impossible_setting_is_refused_in_words(quantify, words):
    with pytest.raises(Refusal, match=words):
        Settings.of({"analyses": {"primary": {"quantify": quantify}}})


def test_an_index_metric_that_is_not_measured_is_refused():
    wanted = {"compare": {"index_metric": "mean_csuv_max"}}
    with pytest.raises(Refusal, match=r"name it in quantify\.further_metrics"):
        Settings.of({"analyses": {"primary": wanted}})
    wanted["quantify"] = {"further_metrics": ["mean_csuv_max"]}
    assert Settings.of({"analyses": {"primary": wanted}}).analyses["primary"].compare.index_metric == "mean_csuv_max"
