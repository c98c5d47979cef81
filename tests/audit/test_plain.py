"""The second path against numbers worked by hand, on a vessel of eight planes that anybody can count."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from petproc.audit.plain import NotPlain, PlainScan, Row, blood_rows, slices_of
from petproc.audit.plain_metrics import Plain, measure_again
from petproc.core.grid import Grid
from petproc.core.tables import UptakeRow, Verdict
from petproc.settings import QuantifySettings, plain

REGION, VEIN = "ascending_aorta", "superior_vena_cava"
PLANES = 8
GRID = Grid((20, 20, PLANES), np.diag([5.0, 5.0, 5.0, 1.0]))
"""Voxels of 0.125 mL, planes 5 mm apart."""
HOT = [2.0, 4.0, 6.0, 8.0, 6.0, 4.0, 2.0, 2.0]
"""Activity of the hottest voxel of each plane; the three others of a plane have 1."""


def voxel(region: str, i: int, k: int, activity: float, **more: float) -> Row:
    far = {"vessel_mm": 50.0, "myocardium_mm": 50.0, "lung_mm": 50.0}
    depths = {f"depth_p{q}": 5.0 for q in (10, 25, 50, 75, 90)}
    return {"region": region, "i": i, "j": 0, "k": k, "activity": activity, "station": k, **far, **depths, **more}


def station(region: str, k: int, **more: Any) -> Row:
    names = {"vessel": "aorta" if region == REGION else region, "region": region, "station": k}
    place = {"arc_mm": 5.0 * k, "x_mm": 0.0, "y_mm": 0.0, "z_mm": 5.0 * k}
    tangent = {"tangent_x": 0.0, "tangent_y": 0.0, "tangent_z": 1.0}
    scores = {"radius_mm": 12.0, "ring_score": None, "visible_fraction": None, "in_pet": True}
    return {**names, **place, **tangent, **scores, **more}


def scan_of(**changes: Any) -> PlainScan:
    artery = [voxel(REGION, i, k, HOT[k] if i == 1 else 1.0) for k in range(PLANES) for i in range(4)]
    vein = [voxel(VEIN, 10 + i, k, 2.0, depth_p50=4.0 - 0.1 * i) for k in range(PLANES) for i in range(4)]
    stations = [station(region, k) for region in (REGION, VEIN) for k in range(PLANES)]
    return replace(PlainScan({REGION: artery, VEIN: vein}, stations, {"scores": {}}, GRID), **changes)


def settings_of(**changes: Any) -> dict[str, Any]:
    return {**plain(QuantifySettings()), **changes}


def row_of(metric: str, region: str = REGION, background: str | None = VEIN) -> UptakeRow:
    return UptakeRow("1", "baseline", region, metric, 1.0, "1", 0, 0, 0.0, background, None, None, "measured", None)


def value(metric: str, *, suv: float | None = 0.5, scan: PlainScan | None = None, **changes: Any) -> float | None:
    return measure_again(row_of(metric), Plain({"": scan or scan_of()}, suv, settings_of(**changes))).value


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("mean_suv_max", 0.5 * 34.0 / 8.0),
        ("mean_suv_mean", 0.5 * (34.0 + 24.0) / 32.0),
        ("mean_tbr_max", 34.0 / 8.0 / 2.0),
        ("mean_tbr_mean", (34.0 + 24.0) / 32.0 / 2.0),
        ("max_tbr_max", 4.0),
        ("mds_tbr_max", (6.0 + 8.0 + 6.0) / 3.0 / 2.0),
        ("active_mean_tbr_max", (4.0 + 6.0 + 8.0 + 6.0 + 4.0) / 5.0 / 2.0),
        ("active_fraction", 5.0 / 8.0),
        ("active_length", 25.0),
        ("mean_csuv_max", 0.5 * (34.0 / 8.0 - 2.0)),
        ("positive_fraction", 5.0 / 32.0),
        ("uptake_above_blood", 0.5 * 0.125 * 28.0),
    ],
)
def test_metrics_by_hand(metric: str, expected: float) -> None:
    assert value(metric) == pytest.approx(expected, rel=1e-12)


def test_ratios_need_no_suv_and_an_suv_is_not_made_up() -> None:
    assert value("mean_tbr_max", suv=None) == pytest.approx(34.0 / 8.0 / 2.0)
    with pytest.raises(NotPlain):
        measure_again(row_of("blood_suv_mean", VEIN, None), Plain({"": scan_of()}, None, settings_of()))


def test_the_blood_pool_is_the_deepest_voxels_until_volume_and_planes_suffice() -> None:
    chosen = blood_rows(VEIN, scan_of(), settings_of())
    assert [(row["i"], row["k"]) for row in chosen] == [(10, k) for k in range(8)] + [(11, k) for k in range(4)]
    assert len(chosen) * GRID.voxel_ml == pytest.approx(1.5)


def test_a_vein_too_thin_or_too_near_to_a_neighbour_gives_no_blood() -> None:
    thin = [station(region, k, radius_mm=5.0) for region in (REGION, VEIN) for k in range(PLANES)]
    assert blood_rows(VEIN, scan_of(stations=thin), settings_of()) == []
    near = {VEIN: [{**row, "vessel_mm": 5.9} for row in scan_of().voxels[VEIN]]}
    assert blood_rows(VEIN, scan_of(voxels=near), settings_of()) == []


def test_a_slice_near_the_heart_a_small_one_and_one_off_the_accepted_stations_do_not_count() -> None:
    rows = [row for row in scan_of().voxels[REGION] if row["k"] != 7 or row["i"] == 0]
    rows = [{**row, "myocardium_mm": 11.0} if row["k"] == 0 else row for row in rows]
    stations = [station(REGION, k, in_pet=k != 4) for k in range(PLANES)]
    slices = slices_of(REGION, scan_of(voxels={REGION: rows}, stations=stations), settings_of())
    assert [one.counts for one in slices] == [False, True, True, True, False, True, True, False]


def test_a_plane_that_no_voxel_is_deep_enough_in_keeps_its_deepest_that_is_touched() -> None:
    shallow = {"depth_p50": -1.0, "depth_p90": 0.5}
    rows = [{**row, **shallow} if row["k"] == 3 else row for row in scan_of().voxels[REGION]]
    rows[13] = {**rows[13], "depth_p50": -0.5}
    slices = slices_of(REGION, scan_of(voxels={REGION: rows}), settings_of())
    assert [len(one.rows) for one in slices] == [4, 4, 4, 1, 4, 4, 4, 4]
    assert slices[3].rows[0]["activity"] == 8.0


def test_slabs_across_the_centreline_go_by_arc_length() -> None:
    slices = slices_of(REGION, scan_of(), settings_of(slicing={REGION: "centreline"}, slab_mm=10.0))
    assert [len(one.rows) for one in slices] == [8, 8, 8, 8]
    assert {one.slice_mm for one in slices} == {10.0}


def test_a_range_that_a_reader_excluded_does_not_count_and_a_released_one_does() -> None:
    excluded = Verdict("1", "baseline", REGION, "arc-excluded", "node", 9.0, 16.0, "", "", 1)
    counts = [one.counts for one in slices_of(REGION, scan_of(verdicts=[excluded]), settings_of())]
    assert counts == [True, True, False, False, True, True, True, True]
    hidden = [station(REGION, k, visible_fraction=0.1) for k in range(PLANES)]
    assert not any(one.counts for one in slices_of(REGION, scan_of(stations=hidden), settings_of()))
    released = Verdict("1", "baseline", REGION, "released", "", None, None, "", "", 1)
    scan = scan_of(stations=hidden, verdicts=[released])
    assert all(one.counts for one in slices_of(REGION, scan, settings_of()))


def test_too_few_slices_give_no_number() -> None:
    assert value("mean_tbr_max", slices_min=9) is None


def test_quality_of_the_blood_by_hand() -> None:
    rows = [voxel(VEIN, 10 + i, k, 1.0 + k) for k in range(PLANES) for i in range(2)]
    made = Plain({"": scan_of(voxels={VEIN: rows})}, 0.5, settings_of())
    pool = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]

    def of(metric: str) -> float | None:
        return measure_again(row_of(metric, VEIN, None), made).value

    assert of("blood_voxels") == 12
    assert of("blood_suv_mean") == 0.5 * 3.5
    assert of("blood_cov") == pytest.approx(math.sqrt(sum((one - 3.5) ** 2 for one in pool) / 11) / 3.5)
    assert of("blood_trend") == pytest.approx(100.0 / 3.5 / 0.5)


@pytest.mark.parametrize("changes", [{"lucky_mm": 3.0}, {"gate": {**plain(QuantifySettings())["gate"], "odd": "yes"}}])
def test_a_setting_that_is_not_known_stops_it(changes: dict[str, Any]) -> None:
    with pytest.raises(NotPlain, match=r"lucky_mm|odd"):
        value("mean_tbr_max", **changes)


def test_a_metric_that_is_not_known_stops_it() -> None:
    with pytest.raises(NotPlain, match="max_suv_peak"):
        value("max_suv_peak")


def test_one_that_says_nothing_is_no_obstacle() -> None:
    assert value("mean_tbr_max", lucky_mm=None) is not None
