"""Every metric against the hand-worked rows of tests/baseline; one without a row, or without a formula, fails.

`vessels.tsv` holds made-up vessels slice by slice (`n/a`: no sphere is whole there), `metrics.tsv` what comes out of
them with its working. `six` is the usual one: TBRmax 1.5, 1.6, 2.4, 2.0, 1.7, 1.2.
"""

import ast
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petproc.core.metrics import METRICS, STANDARD, SliceValues, metric, odd_slices

BASELINE = Path(__file__).parents[1] / "baseline"


def rows_of(name):
    with (BASELINE / name).open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def column(text):
    return np.array([np.nan if cell == "n/a" else float(cell) for cell in text.split()])


def vessel(row):
    return SliceValues(
        suv_max=column(row["suv_max"]),
        suv_mean=column(row["suv_mean"]),
        background_suv=float(row["blood"]),
        slice_mm=float(row["slice_mm"]),
        active_tbr=float(row["active_tbr"]),
        segment_mm=float(row["segment_mm"]),
        number=column(row["number"]).astype(int),
        suv_peak=column(row["suv_peak"]),
        n_voxel=column(row["n_voxel"]).astype(int),
        n_positive=column(row["n_positive"]).astype(int),
        above_ml=column(row["above_ml"]),
    )


VESSELS = {row["case"]: vessel(row) for row in rows_of("vessels.tsv")}
ROWS = rows_of("metrics.tsv")
VESSEL = VESSELS["six"]
BY_HAND = {row["metric"]: float(row["value"]) for row in ROWS if row["case"] == "six"}
UNITS = {
    **dict.fromkeys(("mean_suv_max", "mean_suv_mean", "mean_csuv_max", "mean_csuv_mean", "max_suv_peak"), "g/mL"),
    "active_length": "mm",
    "uptake_above_blood": "g",
}


def value_of(name, vessel=VESSEL):
    return METRICS[name].compute(vessel)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_hand_worked_row(name):
    assert name in BY_HAND, f"add a hand-worked row of {name} for the vessel `six` to tests/baseline/metrics.tsv"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['metric']}-{row['case']}")
def test_every_metric_gives_its_hand_worked_values(row):
    expected = None if row["value"] == "n/a" else pytest.approx(float(row["value"]), abs=1e-12)
    assert value_of(row["metric"], VESSELS[row["case"]]) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if row["value"] != "n/a"], ids=lambda row: row["working"])
def test_every_working_comes_to_its_value(row):
    assert worked(ast.parse(row["working"], mode="eval").body) == pytest.approx(float(row["value"]), abs=1e-12)


def worked(node):
    """Numbers with + - * / and nothing else."""
    if isinstance(node, ast.Constant):
        return float(node.value)
    left, right = worked(node.left), worked(node.right)
    return {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}.get(type(node.op)) or (
        left / right if isinstance(node.op, ast.Div) else 0.0
    )


def test_every_hand_worked_row_is_of_a_metric():
    assert {row["metric"] for row in ROWS} == set(METRICS)


def test_a_function_without_a_formula_is_no_metric():
    with pytest.raises(TypeError, match="no formula"):
        metric("nameless", "1")(lambda _: 1.0)
    assert "nameless" not in METRICS


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_prints_a_formula_and_a_unit(name):
    assert METRICS[name].formula
    assert METRICS[name].unit == UNITS.get(name, "1")


def test_what_every_analysis_measures_stays_the_nine():
    assert STANDARD == (
        "mean_suv_max", "mean_suv_mean", "mean_tbr_max", "mean_tbr_mean", "max_tbr_max", "mds_tbr_max",
        "active_mean_tbr_max", "active_fraction", "active_length",
    )  # fmt: skip


def scaled_by(factor):
    """The same image in other units, its blood with it."""
    return replace(
        VESSEL,
        suv_max=VESSEL.suv_max * factor,
        suv_mean=VESSEL.suv_mean * factor,
        suv_peak=VESSEL.suv_peak * factor,
        above_ml=VESSEL.above_ml * factor,
        background_suv=VESSEL.background_suv * factor,
    )


@given(st.floats(0.1, 10.0))
def test_whatever_is_no_suv_does_not_change_with_the_scale_of_the_image_and_an_suv_does(factor):
    for name, one in METRICS.items():
        expected = BY_HAND[name] * (factor if one.needs_suv else 1.0)
        if name.startswith("active"):  # its cut-off may be met by rounding alone
            continue
        assert value_of(name, scaled_by(factor)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_what_is_divided_by_blood_says_so_and_nothing_else(name):
    """Twice the SUVs and twice the blood: ratios keep their value, SUVs do not."""
    factor = 2.0 if METRICS[name].needs_suv else 1.0
    assert value_of(name, scaled_by(2.0)) == pytest.approx(factor * BY_HAND[name], abs=1e-12)
    assert METRICS[name].needs_suv or METRICS[name].needs_background


@pytest.mark.parametrize("name", METRICS)
def test_what_needs_no_blood_ignores_it(name):
    unknown = value_of(name, replace(VESSEL, background_suv=float("nan")))
    if not METRICS[name].needs_background:
        assert unknown == pytest.approx(BY_HAND[name])


@pytest.mark.parametrize("name", [name for name, one in METRICS.items() if one.needs])
def test_what_was_not_measured_has_no_value(name):
    assert value_of(name, replace(VESSEL, **{METRICS[name].needs: None})) is None


@pytest.mark.parametrize(
    ("segment_mm", "slice_mm", "slices"),
    [(15, 5, 3), (15, 3, 5), (15, 3.27, 5), (15, 4, 3), (15, 2, 7), (15, 2.5, 5), (15, 1, 15), (15, 10, 3), (6, 3, 3)],
)
def test_the_most_diseased_segment_has_the_odd_number_of_slices_nearest_its_length(segment_mm, slice_mm, slices):
    """2.5 mm: 5 slices are 12.5 mm, 7 are 17.5 mm, equally near: the smaller; never fewer than 3."""
    assert odd_slices(segment_mm, slice_mm) == slices


def test_the_most_diseased_segment_does_not_reach_across_a_slice_left_out():
    """Slices 1, 2, 3, 6, 7: the hottest (6) lies in a stretch of two, too short; the segment is 1 to 3."""
    assert value_of("mds_tbr_max", VESSELS["gap"]) == pytest.approx(1.5)
