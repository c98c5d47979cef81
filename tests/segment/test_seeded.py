"""Vessels through a reader's points, on necks whose carotid is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from necks import Neck, at_height, neck
from scipy.spatial import cKDTree

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import LEFT_CAROTID, REGIONS, RIGHT_CAROTID
from petproc.core.tables import PointRow
from petproc.core.volume import Volume
from petproc.segment import seeded
from petproc.settings import SeededSettings

LOW, HIGH = 8.0, 112.0
SHORT = 64.0


def rows(points, region=RIGHT_CAROTID, bifurcation=None) -> list[PointRow]:
    return [
        PointRow("01", "baseline", region, *map(float, point), "bifurcation" if n == bifurcation else None, None)
        for n, point in enumerate(points)
    ]


def segment(ct, points):
    return seeded.segment(ct, points, settings=SeededSettings(radius_max_mm=8.0), scan="sub-01_ses-baseline")


def jittered(vessel, seed: int, *heights: float):
    return at_height(vessel, *heights) + np.random.default_rng(seed).normal(0.0, 1.5, (len(heights), 3))


def dice(found: Neck, segmentation, region=RIGHT_CAROTID) -> float:
    """Over the planes that the segmentation fills, less its first and last, which the cut ends share."""
    mask, truth = segmentation.labels.mask(region), found.mask(found.carotid)
    planes = np.flatnonzero(mask.any(axis=(0, 1)))[1:-1]
    mask, truth = mask[:, :, planes], truth[:, :, planes]
    return float(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))


def places(segmentation):
    return np.array([(row.x_mm, row.y_mm, row.z_mm) for row in segmentation.stations])


@pytest.fixture(scope="module")
def plain() -> Neck:
    return neck(51, noise=20.0, length=SHORT + 8.0)


@pytest.fixture(scope="module")
def carotid(plain):
    """Followed from its lower to its upper point, of which neither is the bifurcation."""
    return segment(plain.ct, rows(at_height(plain.carotid, LOW, SHORT)))


@pytest.mark.parametrize(("seed", "noise"), [(61, 20.0), (62, 35.0), (63, 35.0)])
def test_a_carotid_in_fat_is_found_from_two_points_beside_its_middle(seed, noise):
    found = neck(seed, noise=noise)
    segmentation = segment(found.ct, rows(jittered(found.carotid, seed, LOW, HIGH)))
    assert dice(found, segmentation) >= 0.85
    away, _ = cKDTree(found.carotid.points).query(places(segmentation))
    assert away.mean() <= 1.0
    assert segmentation.scores[RIGHT_CAROTID]["edge"] >= 0.8


def test_a_thin_carotid_is_not_left_for_the_wide_vein_beside_it():
    found = neck(32, noise=20.0, radius=2.5)
    segmentation = segment(found.ct, rows(at_height(found.carotid, LOW, HIGH)))
    assert dice(found, segmentation) >= 0.85


def test_contrast_medium_does_not_matter():
    found = neck(52, noise=20.0, hu=320.0, length=SHORT + 8.0)
    assert dice(found, segment(found.ct, rows(jittered(found.carotid, 3, LOW, SHORT)))) >= 0.85


def test_a_carotid_in_muscle_without_fat_scores_low_everywhere():
    found = neck(53, noise=20.0, fat=False, length=SHORT + 8.0)
    segmentation = segment(found.ct, rows(at_height(found.carotid, LOW, SHORT)))
    assert segmentation.scores[RIGHT_CAROTID]["edge"] < 0.5
    assert max(row.visible_fraction for row in segmentation.stations) < 0.5


def test_points_in_muscle_score_low(plain):
    beside = at_height(plain.carotid, LOW, SHORT) - [0.0, 14.0, 0.0]
    assert segment(plain.ct, rows(beside)).scores[RIGHT_CAROTID]["edge"] < 0.8


def test_stations_where_the_vessel_is_left_for_muscle_score_low(plain):
    lower, upper = at_height(plain.carotid, LOW, SHORT)
    stations = segment(plain.ct, rows([lower, upper - [0.0, 14.0, 0.0]])).stations
    away, _ = cKDTree(plain.carotid.points).query([(row.x_mm, row.y_mm, row.z_mm) for row in stations])
    left = [row for row, distance in zip(stations, away, strict=True) if distance > 5.0]
    assert left
    assert all(row.visible_fraction < 0.5 or row.ring_score < 0.22 for row in left)


def test_points_in_two_vessels_are_told_by_paths_that_know_one_of_them(plain, carotid):
    lower, upper = at_height(plain.carotid, LOW)[0], at_height(plain.jugular, SHORT)[0]
    assert segment(plain.ct, rows([lower, upper])).scores[RIGHT_CAROTID]["strays_mm"] > 5.0
    assert carotid.scores[RIGHT_CAROTID]["strays_mm"] <= 3.0


def test_points_in_fat_or_air_are_in_no_vessel(plain):
    dark = Volume(np.full(plain.ct.grid.shape, -95, np.int16), plain.ct.grid, "HU")
    segmentation = segment(dark, rows(at_height(plain.carotid, LOW, SHORT)))
    assert segmentation.absent[RIGHT_CAROTID] == "its points do not lie in blood (-95 HU)"
    assert not segmentation.labels.data.any()


def test_the_vessel_ends_at_the_first_and_the_last_point(plain):
    segmentation = segment(plain.ct, rows(at_height(plain.carotid, 20.0, 50.0)))
    heights = places(segmentation)[:, 2]
    assert heights[0] == pytest.approx(20.0, abs=2.0)
    # What is left beyond the last full step of 2 mm has no station.
    assert 50.0 - 2.0 - 1.0 < heights[-1] < 50.0 + 1.0
    filled = np.flatnonzero(segmentation.labels.mask(RIGHT_CAROTID).any(axis=(0, 1)))
    low, high = plain.ct.grid.to_mm(np.array([[0, 0, filled[0]], [0, 0, filled[-1]]]))[:, 2]
    assert low > 15.0
    assert high < 55.0


def test_the_order_of_the_points_does_not_matter(plain):
    points = rows(at_height(plain.carotid, LOW, 30.0, SHORT))
    one, other = segment(plain.ct, points), segment(plain.ct, [points[n] for n in (2, 0, 1)])
    assert one.stations == other.stations
    assert np.array_equal(one.labels.data, other.labels.data)
    # A carotid's blood runs upwards.
    assert one.stations[0].z_mm < one.stations[-1].z_mm


def test_a_veins_stations_run_down(plain):
    vein = "right_internal_jugular"
    segmentation = segment(plain.ct, rows(at_height(plain.jugular, LOW, SHORT), vein))
    assert segmentation.stations[0].z_mm > segmentation.stations[-1].z_mm
    assert not segmentation.findings


def test_arc_length_counts_from_the_bifurcation(plain):
    points = rows(at_height(plain.carotid, LOW, SHORT), bifurcation=1)
    segmentation = segment(plain.ct, points)
    arcs = [row.arc_mm for row in segmentation.stations]
    assert arcs[-1] == pytest.approx(0.0, abs=2.0)
    assert arcs[0] == pytest.approx(-(SHORT - LOW), abs=6.0)
    assert segmentation.landmarks["right_carotid_bifurcation"] == (points[1].x_mm, points[1].y_mm, points[1].z_mm)
    assert not segmentation.findings


def test_without_a_bifurcation_arc_length_counts_from_the_first_station(carotid):
    assert carotid.stations[0].arc_mm == 0.0
    assert [finding.code for finding in carotid.findings] == ["no-landmark"]


def test_regions_without_points_are_absent(carotid):
    assert carotid.absent[LEFT_CAROTID] == "no points in config/points.tsv"
    vessels = {name for name, region in REGIONS.items() if region.kind != "organ"}
    assert set(carotid.absent) == vessels - {RIGHT_CAROTID}


def test_another_orientation_of_the_ct_gives_the_same_vessel(plain, carotid):
    points = rows(at_height(plain.carotid, LOW, SHORT))
    grid = plain.ct.grid
    affine = grid.affine.copy()
    affine[:3, :3] = grid.affine[:3, [2, 0, 1]] * [-1, 1, 1]
    affine[:3, 3] = grid.to_mm([0, 0, grid.shape[2] - 1])
    shape = (grid.shape[2], grid.shape[0], grid.shape[1])
    turned = Volume(np.transpose(plain.ct.data, (2, 0, 1))[::-1], Grid(shape, affine), "HU")
    other = segment(turned, points)
    np.testing.assert_allclose(places(carotid), places(other), atol=1e-3)
    assert np.array_equal(np.transpose(carotid.labels.data, (2, 0, 1))[::-1], other.labels.data)


def test_two_vessels_of_one_scan_have_their_own_stations_and_labels(plain):
    vein = "right_internal_jugular"
    points = rows(at_height(plain.carotid, LOW, SHORT)) + rows(at_height(plain.jugular, LOW, SHORT), vein)
    segmentation = segment(plain.ct, points)
    assert dice(plain, segmentation) >= 0.85
    assert [row.vessel for row in segmentation.stations] == sorted(
        (row.vessel for row in segmentation.stations), key=lambda name: REGIONS[name].value
    )
    assert segmentation.scores[RIGHT_CAROTID]["shared"] < 0.05


def test_a_carotid_whose_points_lie_in_the_vein_shares_it(plain):
    vein = "right_internal_jugular"
    points = rows(at_height(plain.jugular, LOW, SHORT)) + rows(at_height(plain.jugular, LOW, SHORT), vein)
    scores = segment(plain.ct, points).scores
    assert scores[RIGHT_CAROTID]["shared"] > 0.9
    assert scores[vein]["shared"] > 0.9


def test_a_scan_without_points_is_refused(plain):
    with pytest.raises(Refusal) as refused:
        segment(plain.ct, [])
    assert refused.value.code == "points-missing"


def test_a_point_outside_the_ct_is_refused(plain):
    points = rows(at_height(plain.carotid, LOW, SHORT))
    with pytest.raises(Refusal) as refused:
        segment(plain.ct, [points[0], replace(points[1], x_mm=200.0)])
    assert refused.value.code == "points-outside"
    assert RIGHT_CAROTID in refused.value.reason


def test_points_too_close_together_have_no_course(plain):
    segmentation = segment(plain.ct, rows(at_height(plain.carotid, 40.0, 45.0)))
    assert segmentation.absent[RIGHT_CAROTID].endswith("less than 10 mm")
