"""Points of 3D Slicer become rows of the table, and no row is changed silently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from studies import petproc

from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.tables import PointRow, ScanRow
from petproc.io import read_rows, write_rows
from petproc.workflow.markups import add_points
from petproc.workflow.study import init_study

SCAN = ("01", "baseline")
LEFT = "left_common_carotid"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    init_study(tmp_path / "study")
    write_rows(tmp_path / "study" / layout.SCANS, [ScanRow(*SCAN, "FDG", "1.1", "1.2", "yes", "")], ScanRow)
    return tmp_path / "study"


def markups(folder: Path, *points: dict[str, Any], **head: Any) -> Path:
    """A file as 3D Slicer 5 saves a point list (markups-schema-v1.0.3)."""
    one = {"type": "Fiducial", "coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": list(points)} | head
    path = folder / "left.mrk.json"
    path.write_text(json.dumps({"@schema": "markups-schema-v1.0.3.json#", "markups": [one]}))
    return path


def point(label: str, *position: float, status: str = "defined") -> dict[str, Any]:
    return {"id": "1", "label": label, "position": list(position), "positionStatus": status}


LOW, HIGH = point("F-1", 20.5, -5.0, 60.0), point("Left bifurcation", 25.0, -6.0, 140.0)


def test_lps_becomes_ras_and_a_label_tells_the_bifurcation(study: Path, tmp_path: Path) -> None:
    assert add_points(study, markups(tmp_path, LOW, HIGH), scan=SCAN, region=LEFT, reader="A") == 2
    assert read_rows(study / layout.POINTS, PointRow) == [
        PointRow(*SCAN, LEFT, -20.5, 5.0, 60.0, None, "A"),
        PointRow(*SCAN, LEFT, -25.0, 6.0, 140.0, "bifurcation", "A"),
    ]


def test_ras_stays_ras(study: Path, tmp_path: Path) -> None:
    file = markups(tmp_path, point("a", -20.5, 5.0, 60.0), point("b", -25.0, 6.0, 140.0), coordinateSystem="RAS")
    add_points(study, file, scan=SCAN, region=LEFT)
    assert [row.x_mm for row in read_rows(study / layout.POINTS, PointRow)] == [-20.5, -25.0]


def test_points_that_are_not_set_are_left_out(study: Path, tmp_path: Path) -> None:
    unset = point("F-3", 0.0, 0.0, 0.0, status="undefined")
    assert add_points(study, markups(tmp_path, LOW, unset, HIGH), scan=SCAN, region=LEFT) == 2


def test_rows_that_are_there_are_never_changed(study: Path, tmp_path: Path) -> None:
    table = study / layout.POINTS
    header = table.read_text().rstrip("\n")
    mine = ["01", "baseline", "right_common_carotid", "20", "5", "60", "n/a", "B", "seen twice"]
    table.write_text("\n".join([f"{header}\tnote", "\t".join(mine), "\t".join([*mine[:5], "140", *mine[6:]])]))
    before = table.read_text()
    file = markups(tmp_path, LOW, HIGH)
    add_points(study, file, scan=SCAN, region=LEFT)
    after = table.read_text()
    assert after.startswith(before + "\n")
    assert after.endswith("\tn/a\n")
    with pytest.raises(Refusal) as refused:
        add_points(study, file, scan=SCAN, region=LEFT)
    assert refused.value.code == "points-there"
    assert table.read_text() == after


@pytest.mark.parametrize(
    ("points", "head", "code"),
    [
        ([LOW, HIGH], {"coordinateSystem": "IJK"}, "markups-unreadable"),
        ([LOW, HIGH], {"coordinateUnits": "um"}, "markups-unreadable"),
        ([LOW, point("F-2", 1.0, 2.0)], {}, "markups-unreadable"),
        ([], {}, "markups-empty"),
        ([LOW], {}, "points-too-few"),
        ([LOW, point("F-2", 25.0, -6.0, float("nan"))], {}, "points-not-finite"),
    ],
)
def test_what_cannot_be_right_is_not_added(
    study: Path, tmp_path: Path, points: list[dict[str, Any]], head: dict[str, Any], code: str
) -> None:
    before = (study / layout.POINTS).read_bytes()
    with pytest.raises(Refusal) as refused:
        add_points(study, markups(tmp_path, *points, **head), scan=SCAN, region=LEFT)
    assert refused.value.code == code
    assert (study / layout.POINTS).read_bytes() == before


def test_the_command_says_how_many_were_added(study: Path, tmp_path: Path) -> None:
    options = ("--participant", "01", "--session", "baseline", "--region", LEFT)
    said = petproc("points", study, markups(tmp_path, LOW, HIGH), *options)
    assert (said.returncode, said.stdout.startswith("2 points added")) == (0, True), said.stdout
