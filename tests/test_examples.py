"""The analyses that come with the program: each loads, says only what differs, and asks what its name says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from petproc.report import Content, render
from petproc.settings import Settings, plain
from petproc.workflow.study import EXAMPLES, examples, workflow_root

FOLDER = workflow_root() / EXAMPLES
FILE = yaml.safe_load((FOLDER / "analyses.yaml").read_text(encoding="utf-8"))
ANALYSES = Settings.of(FILE).analyses
OTHERS = [name for name in ANALYSES if name != "primary"]


def flat(settings: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(settings, dict):
        return {path: settings}
    return {key: value for name, entry in settings.items() for key, value in flat(entry, f"{path}.{name}").items()}


def differing(name: str, base: str) -> dict[str, Any]:
    """Settings of an analysis that are other ones than those of its base."""
    one, other = flat(plain(ANALYSES[name])), flat(plain(ANALYSES[base]))
    return {key: value for key, value in one.items() if other.get(key) != value and key not in (".extends", ".about")}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_loads(path: Path) -> None:
    assert Settings.read(path).analyses["primary"]


def test_the_primary_analysis_is_that_of_the_ivory_example() -> None:
    assert "analyses" in examples()
    assert plain(ANALYSES["primary"]) == plain(Settings.read(FOLDER / "ivory.yaml").analyses["primary"])


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_analysis_says_only_what_differs_and_why(name: str) -> None:
    entry = FILE["analyses"][name]
    own = {key: value for key, value in flat(entry).items() if key not in (".extends", ".about")}
    of_base = flat(plain(ANALYSES[entry["extends"]]))
    spelt_out = {".quantify.segment_mm", ".compare.mds"}  # defaults that give most_diseased_15_mm its name
    same = {key for key in spelt_out if own.get(key) == of_base[key]}
    assert set(differing(name, entry["extends"])) == set(own) - same
    assert entry["about"]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("active_from_1_6", {".quantify.active_tbr": 1.6}),
        ("most_diseased_15_mm", {".compare.index_metric": "mds_tbr_max"}),
        ("most_diseased_15_mm_locked", {".compare.index_metric": "mds_tbr_max", ".compare.mds": "locked"}),
        ("lean_body_mass", {".quantify.suv": "lbm_janmahasatian", ".compare.index_metric": "mean_suv_max"}),
        ("glucose_corrected", {".quantify.glucose_reference_mmol_l": 5.55, ".compare.index_metric": "mean_suv_max"}),
    ],
)
def test_an_analysis_differs_from_the_primary_one_as_its_name_says(name: str, asked: dict[str, Any]) -> None:
    assert differing(name, "primary") == asked


def test_the_most_diseased_segment_is_15_mm() -> None:
    assert ANALYSES["most_diseased_15_mm"].quantify.segment_mm == 15.0


@pytest.mark.parametrize(
    ("name", "metric"), [("blood_subtracted", "mean_csuv_max"), ("peak", "mean_tbr_peak"), ("primary", "mean_tbr_max")]
)
def test_an_analysis_chooses_the_index_vessel_by_what_it_measures(name: str, metric: str) -> None:
    assert ANALYSES[name].compare.index_metric == metric
    assert metric in ANALYSES[name].quantify.metrics


@pytest.mark.parametrize("exploratory", [False, True])
def test_an_analysis_asked_after_unblinding_says_so_on_its_page(exploratory: bool) -> None:
    analysis = ANALYSES["peak"].model_copy(update={"exploratory": exploratory})
    page = render(Content([], [], [], []), title="A trial", name="peak", analysis=analysis, version="0")
    assert ("Exploratory: asked after unblinding" in page) is exploratory


@pytest.mark.parametrize("name", ANALYSES)
def test_the_page_of_every_analysis_tells_its_formulas(name: str) -> None:
    page = render(Content([], [], [], []), title="A trial", name=name, analysis=ANALYSES[name], version="0")
    for metric in ANALYSES[name].quantify.metrics:
        assert f"<code>{metric}</code>" in page
    assert ("corrected for glucose" in page) is (name == "glucose_corrected")
