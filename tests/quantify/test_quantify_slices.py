"""How regions are cut, and which slices count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from petproc.core.errors import Refusal
from petproc.quantify.scan import prepare
from petproc.quantify.slices import cut_region
from petproc.settings import QuantifySettings

DEFAULT = QuantifySettings()


def cut(tables, region="descending_aorta", settings=DEFAULT):
    return cut_region(region, prepare(tables, settings), settings)


def counting(slices):
    return [not reason for reason in slices.reasons]


def test_planes_follow_the_flow(scan):
    slices = cut(scan)
    assert slices.pet_k.tolist() == list(range(19, -1, -1))
    assert np.allclose(slices.arc_mm, 3.0 * np.arange(20))


def test_slabs_lie_on_a_lattice_of_arc_length(make_scan, aorta):
    tables = make_scan(replace(aorta, region="aortic_arch", radius=12.0, hottest={}))
    slices = cut(tables, "aortic_arch")
    # Planes at arc 0, 3, ... 57 in slabs of 5 mm: two planes in [0, 5), two in [5, 10), one in [10, 15), ...
    planes = np.bincount((np.arange(0, 60, 3) // 5), minlength=12)
    assert slices.pet_k is None
    assert slices.slice_mm == 5.0
    assert (slices.n_voxel / 29).tolist() == planes.tolist()
    assert np.allclose(slices.arc_mm[:2], [1.5, 7.5])


def test_a_slab_is_never_thinner_than_the_largest_voxel_edge(make_scan, aorta):
    tables = make_scan(replace(aorta, region="aortic_arch", radius=12.0))
    assert cut(tables, "aortic_arch", QuantifySettings(slab_mm=2.0)).slice_mm == 4.0


def test_a_vessel_too_small_for_the_lattice_keeps_every_slice(make_scan, aorta):
    # Axis at (34, 22): between voxels, the nearest 2.83 mm away. At radius 2.5 none is inside, the best stands in.
    slices = cut(make_scan(replace(aorta, x=34.0, y=22.0, radius=2.5)))
    assert slices.partial.all()
    assert slices.n_voxel.tolist() == [1] * 20
    assert slices.hottest[:, :2].tolist() == [[8, 5]] * 20
    assert all(counting(slices))


def test_a_voxel_that_the_vessel_does_not_touch_never_stands_in(make_scan, aorta):
    # Nearest voxels 2.83 mm from the axis. At radius 1 their 90 % quantile lies 0.33 mm outside.
    tables = make_scan(replace(aorta, x=34.0, y=22.0, radius=1.0))
    with pytest.raises(Refusal, match="no-voxels"):
        cut(tables)


def test_a_slice_with_one_voxel_counts_beside_slices_with_three(make_scan, aorta):
    tables = make_scan(replace(aorta, x=34.0, y=20.0, radius=5.0))  # (32, 20), (36, 20), and four at 4.47 mm
    depth = tables.voxels["depth_p50"].copy()
    plane = tables.voxels["k"] == 7
    depth[plane] -= 2.6
    slices = cut(replace(tables, voxels={**tables.voxels, "depth_p50": depth}))
    assert sorted(set(slices.n_voxel.tolist())) == [2, 6]
    assert [int(k) for k, good in zip(slices.pet_k, counting(slices), strict=True) if not good] == [7]
    three = cut(
        replace(tables, voxels={**tables.voxels, "depth_p50": depth}), settings=QuantifySettings(depth_mm=(1, None))
    )
    assert three.n_voxel.tolist().count(1) == 1
    assert all(counting(three))


def test_the_boundary_can_be_moved_inward(scan):
    # 10 mm - 5 mm: the axis and its four neighbours.
    assert set(cut(scan, settings=QuantifySettings(depth_mm=(5.0, None))).n_voxel.tolist()) == {5}


def test_coverage_chooses_the_depth_quantile(scan):
    shallower = {**scan.voxels, "depth_p25": scan.voxels["depth_p50"] - 5.0}
    tables = replace(scan, voxels=shallower)
    assert set(cut(tables, settings=QuantifySettings(coverage="p25")).n_voxel.tolist()) == {5}
    assert set(cut(tables).n_voxel.tolist()) == {21}


def test_a_slice_counts_only_with_nine_tenths_of_its_voxels_at_accepted_stations(scan):
    stations = {**scan.stations, "visible_fraction": scan.stations["visible_fraction"].copy()}
    stations["visible_fraction"][3] = 0.1  # arc 6: plane 17 lies there alone
    slices = cut(replace(scan, stations=stations))
    assert slices.reasons[2] == "not-accepted: wall-not-visible"
    assert slices.accepted_fraction[2] == 0.0
    assert sum(counting(slices)) == 19


def test_a_slice_near_hot_myocardium_does_not_count(scan):
    distance = scan.voxels["myocardium_mm"].copy()
    one = np.flatnonzero((scan.voxels["k"] == 4) & (scan.voxels["depth_p50"] > 0) & (scan.voxels["region"] == 3))[0]
    distance[one] = 11.9
    slices = cut(replace(scan, voxels={**scan.voxels, "myocardium_mm": distance}))
    assert [int(k) for k, good in zip(slices.pet_k, counting(slices), strict=True) if not good] == [4]
    assert slices.reasons[15] == "near-myocardium"


def test_a_cut_off_slice_does_not_count(scan):
    keep = ~((scan.voxels["k"] == 0) & (scan.voxels["j"] > 4) & (scan.voxels["region"] == 3))
    slices = cut(replace(scan, voxels={name: column[keep] for name, column in scan.voxels.items()}))
    assert slices.n_voxel[-1] == 8  # of 21: rows j = 3 and 4
    assert slices.reasons[-1] == "small-area"
    assert sum(counting(slices)) == 19


def test_rows_at_stations_of_the_next_region_are_not_this_region(scan):
    stations = {**scan.stations, "region": scan.stations["region"].copy()}
    stations["region"][20:29] = "abdominal_aorta"  # the lowest nine stations
    slices = cut(replace(scan, stations=stations))
    assert slices.arc_mm.tolist() == [3.0 * n for n in range(13)]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_numbers_do_not_depend_on_the_sign_of_the_affines_axes(scan, axis):
    """The same scan on a grid whose index runs the other way."""
    affine = np.diag([4.0, 4.0, 3.0, 1.0])
    size = (30, 12, 20)[axis]
    affine[axis, 3] = affine[axis, axis] * (size - 1)
    affine[axis, axis] *= -1
    name = "ijk"[axis]
    voxels = {**scan.voxels, name: size - 1 - scan.voxels[name]}
    flipped = cut(replace(scan, voxels=voxels, sample={**scan.sample, "pet_affine": affine}))
    plain = cut(scan)
    assert np.allclose(flipped.activity_max, plain.activity_max)
    assert np.allclose(flipped.activity_mean, plain.activity_mean)
    assert np.allclose(flipped.arc_mm, plain.arc_mm)
