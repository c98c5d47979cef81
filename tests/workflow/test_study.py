"""Making a study: from the template, or from one of the examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from petproc.core.errors import Refusal
from petproc.core.tables import PointRow
from petproc.io import read_rows
from petproc.settings import Settings
from petproc.workflow.study import examples, init_study


@pytest.mark.parametrize("example", [None, *examples()])
def test_every_study_begins_with_settings_that_are_valid(tmp_path: Path, example: str | None) -> None:
    init_study(tmp_path / "trial", example)
    Settings.read(tmp_path / "trial/config/config.yaml")
    assert read_rows(tmp_path / "trial/config/points.tsv", PointRow) == []


def test_the_ivory_example_measures_ascending_aorta_and_carotids(tmp_path: Path) -> None:
    init_study(tmp_path, "ivory")
    primary = Settings.read(tmp_path / "config/config.yaml").analyses["primary"]
    territory = ("ascending_aorta", "left_common_carotid", "right_common_carotid")
    assert primary.quantify.regions == primary.compare.index_candidates == territory
    assert [primary.backend_of.get(name, primary.backend) for name in territory] == ["classical", "seeded", "seeded"]
    assert (primary.quantify.active_tbr, primary.compare.index_metric) == (2.0, "mean_tbr_max")


def test_an_unknown_example_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="ivory"):
        init_study(tmp_path / "trial", "ebony")
    assert not (tmp_path / "trial").exists()


def test_a_study_that_is_there_is_left_alone(tmp_path: Path) -> None:
    init_study(tmp_path)
    with pytest.raises(Refusal, match="study-exists"):
        init_study(tmp_path, "ivory")
