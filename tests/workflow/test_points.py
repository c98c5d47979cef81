"""Readers' points: what is wrong with a row is said in words before anything runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.tables import PointRow, ScanRow
from petproc.io import write_rows
from petproc.settings import Settings
from petproc.workflow.plan import Plan
from petproc.workflow.points import read_points

SCANS = [ScanRow("01", session, "FDG", "1.1", "1.2", "yes", "") for session in ("baseline", "followup")]
LOW = PointRow("01", "baseline", "left_common_carotid", -20.0, 5.0, 60.0, None, "A")
HIGH = replace(LOW, x_mm=-25.0, z_mm=140.0, place="bifurcation")
RIGHT = [replace(row, region="right_common_carotid", x_mm=-row.x_mm) for row in (LOW, HIGH)]


def read(study: Path, *rows: PointRow) -> tuple[PointRow, ...]:
    write_rows(study / layout.POINTS, rows, PointRow)
    return read_points(study, SCANS)


def test_a_study_without_points_has_none(tmp_path: Path) -> None:
    assert read_points(tmp_path, SCANS) == ()


def test_rows_come_in_one_order_whatever_that_of_the_file(tmp_path: Path) -> None:
    rows = [LOW, HIGH, *RIGHT, replace(LOW, session="followup"), replace(HIGH, session="followup")]
    assert read(tmp_path, *rows) == read(tmp_path, *reversed(rows))


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([replace(LOW, participant="02"), HIGH], "points-scan-unknown"),
        ([replace(LOW, session="visit3"), HIGH], "points-scan-unknown"),
        ([replace(LOW, region="left_carotid"), HIGH], "points-region"),
        ([replace(LOW, region="liver"), HIGH], "points-region"),
        ([replace(LOW, x_mm=float("inf")), HIGH], "points-not-finite"),
        ([replace(LOW, place="carina"), HIGH], "points-place"),
        ([replace(LOW, place="bifurcation"), HIGH], "points-place"),
        ([replace(LOW, region="left_iliac"), replace(HIGH, region="left_iliac")], "points-place"),
        ([LOW], "points-too-few"),
        ([LOW, HIGH, *[replace(row, x_mm=row.x_mm - 90.0) for row in RIGHT]], "points-sides"),
    ],
)
def test_a_wrong_row_is_refused_in_words(tmp_path: Path, rows: list[PointRow], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(tmp_path, *rows)
    assert refused.value.code == code


def test_a_bifurcation_may_stand_alone(tmp_path: Path) -> None:
    assert read(tmp_path, HIGH) == (HIGH,)


def test_who_set_a_point_is_no_parameter_of_a_job() -> None:
    plan = Plan(Settings(), tuple(SCANS), points=(LOW, HIGH))
    one, other = plan.points_of("01", "baseline")
    assert one == {
        "participant": "01",
        "session": "baseline",
        "region": "left_common_carotid",
        "x_mm": -20.0,
        "y_mm": 5.0,
        "z_mm": 60.0,
    }
    assert other["place"] == "bifurcation"
    assert plan.points_of("01", "followup") == []
