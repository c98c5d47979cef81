"""What `petproc check` says of tables written by hand."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.tables import ChangeRow
from petproc.io import write_rows
from petproc.phantom.truth import TrueChangeRow
from petproc.workflow.check import Checked, checked, print_check

NOTHING = dict.fromkeys(field.name for field in fields(ChangeRow))
LEFT, ASCENDING = "left_common_carotid", "ascending_aorta"


def measured(region: str, percent: float | None, *, index: bool = True, reason: str | None = None) -> ChangeRow:
    row = {"participant": "P1", "region": region, "metric": "mean_tbr_max", "unit": "1", "percent_change": percent}
    return ChangeRow(**NOTHING | row | {"index_vessel": index, "status": "measured", "reason": reason})


def folders(tmp_path: Path, *rows: ChangeRow) -> tuple[Path, Path]:
    """In truth the left carotid falls by 20 %."""
    study, phantom = tmp_path / "study", tmp_path / "phantom"
    true = [
        TrueChangeRow("P1", "planted", ASCENDING, False, 2.0, 1.7, -0.3, -15.0),
        TrueChangeRow("P1", "planted", LEFT, True, 2.5, 2.0, -0.5, -20.0),
    ]
    write_rows(phantom / "truth/change.tsv", true, TrueChangeRow)
    write_rows(layout.path(layout.CHANGE, study, analysis="primary"), rows, ChangeRow)
    return study, phantom


def test_the_index_vessels_change_is_held_against_the_true_one(tmp_path: Path) -> None:
    rows = (measured("index_vessel", -18.5), measured(LEFT, -18.5), measured(ASCENDING, -15.0, index=False))
    study, phantom = folders(tmp_path, *rows)
    assert checked(study, phantom) == [Checked("P1", LEFT, LEFT, -20.0, -18.5, None)]
    assert print_check(study, phantom, 3.0)
    assert not print_check(study, phantom, 1.0)


def test_another_index_vessel_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    rows = (measured("index_vessel", -15.0), measured(LEFT, -18.5, index=False), measured(ASCENDING, -15.0))
    study, phantom = folders(tmp_path, *rows)
    assert not print_check(study, phantom, 3.0)
    assert f"{ASCENDING} as measured" in capsys.readouterr().out


def test_a_participant_without_an_index_vessel_fails_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, phantom = folders(tmp_path, measured("index_vessel", None, reason="no carotid"))
    assert checked(study, phantom) == [Checked("P1", LEFT, None, -20.0, None, "no carotid")]
    assert not print_check(study, phantom, 3.0)
    assert "no carotid" in capsys.readouterr().out


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    study, phantom = folders(tmp_path)
    assert checked(study, phantom)[0].reason == "not in the change table"
    with pytest.raises(Refusal, match="nothing-to-check"):
        checked(study, tmp_path / "elsewhere")
