"""Intervals of hand-made scans, worked by hand; what is flagged, and what is not known."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "quantify"))

from hand_made import AORTA, CAVA, SHAPE, scan_of
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from petproc.core.metrics import METRICS, STANDARD
from petproc.core.tables import ChangeRow
from petproc.fragility import fragility_study, variants
from petproc.fragility.interval import is_fragile
from petproc.fragility.variants import worth_moving
from petproc.quantify import excluded_rows, quantify_scan
from petproc.settings import Analysis, FragilitySettings

REGION = "descending_aorta"
ANALYSIS = Analysis.model_validate({"quantify": {"regions": [REGION]}})
LARGE_POOL = Analysis.model_validate({"quantify": {"regions": [REGION], "background": {"volume_ml": 2.0}}})
EVERY_METRIC = Analysis.model_validate({"quantify": {"regions": [REGION], "further_metrics": list(METRICS)}})
SIDE = replace(AORTA, radius=10.5)
"""The voxels 8 mm to the side and 8 mm up of its axis are 11.3 mm away: 0.8 mm outside."""


def heated(tables, index, activity):
    """`tables` with the voxels (i, j) of every plane at `activity` Bq/mL."""
    at = (tables.voxels["i"] == index[0]) & (tables.voxels["j"] == index[1])
    voxels = {**tables.voxels, "activity": np.where(at, activity, tables.voxels["activity"]).astype(np.float32)}
    return replace(tables, voxels=voxels)


def asked(*scans, analysis=ANALYSIS, change=(), threads=1):
    """Rows of scans, whose numbers are what quantify makes of them."""
    uptake = [row for scan in scans for row in quantify_scan(scan, analysis.quantify).uptake]
    readers = {(scan.participant, scan.session): lambda scan=scan: scan for scan in scans}
    return fragility_study(readers, uptake, change, analysis, threads=threads)


def by_metric(rows):
    return {row.metric: row for row in rows}


def changed(value, session_values=(3.0, 2.9), metric="mean_tbr_max", **others):
    row = ChangeRow(
        *("01", REGION, metric, "1", *session_values, value, None),
        index_vessel=True,
        matched_mm=60.0,
        unmatched_mm=0.0,
        status="measured",
        reason=None,
        findings=None,
    )
    return replace(row, **others)


def test_a_uniform_wall_far_from_anything_hot_shows_zero_in_every_metric():
    """But uptake above blood, a sum over voxels of which a wider boundary, or another place, has more."""
    uniform = scan_of(replace(AORTA, blood=8000.0, hottest={}), CAVA)
    rows = by_metric(asked(uniform, analysis=EVERY_METRIC))
    assert set(rows) == set(METRICS)
    for name, row in rows.items():
        if name != "uptake_above_blood":
            assert (row.width, row.low, row.high) == (0.0, row.value, row.value), name
            assert (row.low_at, row.high_at) == ("as measured", "as measured")
    assert rows["uptake_above_blood"].width > 0


def test_a_hotter_voxel_just_outside_is_taken_in_by_a_wider_boundary_and_by_two_shifts():
    """TBRmax of plane k is 2 + 0.1 k; with the voxel outside, of 3, it is 3 in the ten planes below k = 10. Vessels
    2 mm further to the right, or to the front, have it 10 mm from their axis."""
    rows = by_metric(asked(heated(scan_of(SIDE, CAVA), (10, 7), 12000.0)))
    row = rows["mean_tbr_max"]
    assert row.value == row.low == pytest.approx(2.95)
    assert row.high == pytest.approx((10 * 3.0 + sum(2 + 0.1 * k for k in range(10, 20))) / 20)
    assert row.width == pytest.approx(0.275)
    assert (row.low_at, row.high_at, row.status, row.reason) == ("as measured", "boundary 1 mm out", "measured", None)
    hottest = rows["max_tbr_max"]
    assert (hottest.low, hottest.high, hottest.width) == (3.9, 3.9, 0.0)


@pytest.mark.parametrize(
    ("index", "at"),
    [((5, 5), "vessels 2 mm left"), ((11, 5), "vessels 2 mm right"), ((8, 8), "vessels 2 mm front"),
     ((8, 2), "vessels 2 mm back")],
)  # fmt: skip
def test_a_hot_voxel_12_mm_to_one_side_is_reached_by_one_shift_alone(index, at):
    row = by_metric(asked(heated(scan_of(SIDE, CAVA), index, 16000.0)))["mean_tbr_max"]
    assert row.high_at == at
    assert row.high == 4.0


def test_the_blood_pool_moves_with_the_target():
    """The pool takes the deepest voxels; in a vena cava whose left half is twice as hot they are others when it lies
    elsewhere, and every ratio moves though the aorta is the same everywhere."""
    scan = scan_of(replace(AORTA, blood=8000.0, hottest={}), CAVA)
    left = (scan.voxels["region"] != scan.voxels["region"][0]) & (scan.voxels["i"] < 22)
    halved = replace(scan, voxels={**scan.voxels, "activity": np.where(left, 8000.0, scan.voxels["activity"])})
    rows = by_metric(asked(halved))
    assert rows["mean_suv_max"].width == 0.0
    assert rows["mean_tbr_max"].low_at == "vessels 2 mm left"
    assert rows["mean_tbr_max"].high_at == "vessels 2 mm right"


def test_a_variant_that_is_refused_leaves_the_interval_unknown_and_says_which():
    """5 voxels a plane lie 3 mm under the wall of a vena cava of 7 mm, 4.8 mL in all; 2 mm to either side only two lie
    so deep, 1.92 mL."""
    rows = by_metric(asked(scan_of(AORTA, replace(CAVA, radius=7.0)), analysis=LARGE_POOL))
    row = rows["mean_tbr_max"]
    assert row.value == pytest.approx(2.95)
    assert (row.low, row.high, row.width, row.low_at, row.high_at) == (None,) * 5
    assert row.at_least == pytest.approx(0.0)
    assert row.status == "refused"
    words = "vessels 2 mm left, vessels 2 mm right, vessels 2 mm front, vessels 2 mm back"
    assert row.reason.startswith(
        f"variant-refused: not measured with {words} (background-refused: No blood pool in superior_vena_cava: only 1"
    )
    assert rows["mean_suv_max"].status == "measured"


def test_the_pool_of_a_narrow_vein_is_the_same_wherever_the_boundary_lies():
    """5 voxels a plane lie 3 mm under the wall of a vena cava of 7.5 mm, and one under a wall 1 mm further in: that
    they are blood was judged, and they are no others for it."""
    scan = scan_of(AORTA, replace(CAVA, radius=7.5))
    row = by_metric(asked(scan))["mean_tbr_max"]
    assert (row.status, row.width) == ("measured", 0.0)
    boundary = variants(FragilitySettings())[:2]
    pools = [quantify_scan(move.of(scan), move.under(ANALYSIS.quantify)).uptake for move in boundary]
    same = [[(one.value, one.n_voxel) for one in pool if one.region == CAVA.region] for pool in pools]
    plain = [
        (one.value, one.n_voxel) for one in quantify_scan(scan, ANALYSIS.quantify).uptake if one.region == CAVA.region
    ]
    assert same == [plain, plain]


def test_what_was_not_measured_has_no_interval_and_its_own_reason():
    scan = scan_of(AORTA, replace(CAVA, radius=5.5))
    uptake = by_metric(quantify_scan(scan, ANALYSIS.quantify).uptake)
    row = by_metric(asked(scan))["mean_tbr_max"]
    assert (row.value, row.width, row.status) == (None, None, "refused")
    assert row.reason == uptake["mean_tbr_max"].reason


def test_a_scan_that_was_refused_or_left_out_keeps_its_status_and_is_not_opened(scans_row):
    refusal = {"code": "pet-truncated", "reason": "Slice 12 is missing.", "remedy": "Send the series again."}
    refused = replace(scan_of(AORTA, CAVA), refusal=refusal, voxels={}, stations={}, sample={})
    uptake = quantify_scan(refused, ANALYSIS.quantify).uptake + excluded_rows([scans_row])
    rows = fragility_study({}, uptake, [], ANALYSIS)
    assert len(rows) == len(STANDARD) + 1
    assert {row.status for row in rows} == {"refused", "excluded"}
    assert rows[-1].reason == "moved"


@pytest.fixture
def scans_row():
    from petproc.core.tables import ScanRow

    return ScanRow("02", "baseline", "FDG", "1", "2", "no", "moved")


def pair():
    """A baseline with an interval of 0.275 and a follow-up that is firm."""
    before = heated(scan_of(SIDE, CAVA), (10, 7), 12000.0)
    return before, scan_of(SIDE, CAVA, session="followup")


@pytest.mark.parametrize(("change", "fragile"), [(-0.27, "yes"), (0.27, "yes"), (-0.28, "no"), (0.28, "no")])
def test_a_change_is_fragile_exactly_where_the_wider_interval_is_wider(change, fragile):
    rows = [row for row in asked(*pair(), change=[changed(change)]) if row.metric == "mean_tbr_max"]
    assert [row.width for row in rows] == [pytest.approx(0.275), 0.0]
    assert [(row.index_vessel, row.change, row.fragile) for row in rows] == [(True, change, fragile)] * 2


def test_an_interval_as_wide_as_the_change_is_not_wider():
    assert is_fragile(-0.25, [0.25, 0.1]) == "no"
    assert is_fragile(0.0, [0.0, 0.0]) == "no"
    assert is_fragile(-0.25, [0.1, 0.26]) == "yes"


def test_without_a_change_nothing_is_flagged_and_an_unknown_interval_is_no_firm_one():
    assert is_fragile(None, [0.1, 0.1]) is None
    assert is_fragile(-0.25, [None, 0.1], known=False) == "unknown"
    assert is_fragile(-0.25, [0.2, 0.1], known=False) == "unknown"
    assert is_fragile(-0.25, [None, 0.3], known=False) == "yes"
    rows = asked(*pair(), change=[changed(None, (3.0, None), status="refused", reason="one-visit")])
    assert {row.fragile for row in rows} == {None}


@pytest.mark.parametrize(("change", "fragile"), [(-0.27, "yes"), (-0.28, "unknown")])
def test_an_interval_that_is_not_known_is_at_least_as_wide_as_what_is(change, fragile):
    """With the boundary 1 mm out it is 0.275 wide, whatever it would be where the vena cava is not blood any more."""
    visits = (("baseline", 12000.0), ("followup", 7000.0))
    scans = [heated(scan_of(SIDE, replace(CAVA, radius=7.0), session=name), (10, 7), heat) for name, heat in visits]
    rows = asked(*scans, analysis=LARGE_POOL, change=[changed(change)])
    found = [row for row in rows if row.metric == "mean_tbr_max"]
    assert [row.width for row in found] == [None, None]
    assert [row.at_least for row in found] == [pytest.approx(0.275), 0.0]
    assert {row.fragile for row in found} == {fragile}


def test_rows_that_no_variant_brings_in_are_left_away_without_a_difference():
    scan = heated(scan_of(SIDE, CAVA), (10, 7), 12000.0)
    for quantify in (
        ANALYSIS.quantify,
        ANALYSIS.quantify.model_copy(update={"depth_mm": (-2.0, 3.0), "coverage": "p25"}),
        EVERY_METRIC.quantify,
    ):
        kept = worth_moving(scan, quantify, FragilitySettings())
        for move in variants(FragilitySettings()):
            found, whole = (quantify_scan(move.of(one), move.under(quantify)) for one in (kept, scan))
            assert (found.slices, found.uptake) == (whole.slices, whole.uptake)
    assert len(worth_moving(scan, ANALYSIS.quantify, FragilitySettings()).voxels["i"]) < len(scan.voxels["i"])


def test_a_boundary_that_moves_past_what_was_sampled_is_refused():
    scan = scan_of(AORTA, CAVA)
    near = replace(scan, sample={**scan.sample, "settings": {"reach_mm": 2.5}})
    assert {row.status for row in asked(near)} == {"measured"}
    wide = Analysis.model_validate({"quantify": {"regions": [REGION], "depth_mm": [-1.0, None]}})
    rows = asked(near, analysis=wide)
    assert {row.reason.split(":")[0] for row in rows} == {"reach-too-short"}
    assert {row.width for row in rows} == {None}


def test_the_distance_that_the_boundary_moves_is_a_setting():
    scan = heated(scan_of(SIDE, CAVA), (11, 6), 40000.0)  # 12.6 mm from the aorta's axis
    wide = ANALYSIS.model_copy(update={"fragility": FragilitySettings(boundary_mm=2.5)})
    assert by_metric(asked(scan, analysis=wide))["mean_tbr_max"].high_at == "boundary 2.5 mm out"
    assert by_metric(asked(scan))["mean_tbr_max"].high_at == "as measured"


def noisy(seed, **names):
    generator = np.random.default_rng(seed)
    image = generator.uniform(4000.0, 12000.0, SHAPE)
    image[19:26] = generator.uniform(3600.0, 4400.0, image[19:26].shape)
    scan = scan_of(SIDE, CAVA, **names)
    index = tuple(scan.voxels[axis] for axis in "ijk")
    return replace(scan, voxels={**scan.voxels, "activity": image[index].astype(np.float32)})


def test_rows_are_the_same_for_any_number_of_processes():
    scans = [noisy(n, participant=f"{n:02}", session=session) for n in range(3) for session in ("baseline", "followup")]
    one = asked(*scans)
    assert asked(*scans, threads=2) == one
    assert asked(*scans, threads=3) == one
    assert [row.participant for row in one[:: len(STANDARD)]] == ["00", "00", "01", "01", "02", "02"]


def test_noise_gives_an_interval_that_holds_the_value():
    rows = [row for row in asked(noisy(1)) if row.status == "measured"]
    assert len(rows) == len(STANDARD)
    assert all(row.low <= row.value <= row.high for row in rows)
    assert by_metric(rows)["mean_tbr_max"].width > 0.01


@tried(max_examples=10, deadline=None)
@given(scale=st.floats(1e-2, 1e2), seed=st.integers(0, 3))
def test_no_interval_of_a_ratio_depends_on_the_scale_of_activity(scale, seed):
    plain = noisy(seed)
    scaled = replace(plain, voxels={**plain.voxels, "activity": plain.voxels["activity"].astype(np.float64) * scale})
    before, after = (by_metric(asked(scan)) for scan in (plain, scaled))
    for name, row in before.items():
        factor = scale if METRICS[name].needs_suv else 1.0
        assert after[name].width == pytest.approx(row.width * factor, rel=1e-6, abs=1e-9)
        assert (after[name].low_at, after[name].high_at) == (row.low_at, row.high_at)
