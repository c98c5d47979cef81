"""What a run would do, in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from studies import petproc

from petproc import layout
from petproc.core.tables import ScanRow
from petproc.io import write_rows
from petproc.workflow.preview import why


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Missing output files: a.tsv", "not made yet"),
        ("Updated input files: a.tsv", "what it is made from changed"),
        ("Input files updated by another job: a.tsv", "a stage before it is made anew"),
        (
            "Params have changed since last execution: Union of exclusive params before and now across all output: "
            "before: {'active_tbr': 2.0} now: {'active_tbr': 1.6} ",
            "settings: active_tbr 2.0 → 1.6",
        ),
        (
            "Params have changed since last execution: before: {'quantify': {'active_tbr': 2.0, 'suv': 'bw'}} "
            "now: {'quantify': {'active_tbr': 1.6, 'suv': 'ibw'}}",
            "settings: quantify.active_tbr 2.0 → 1.6, quantify.suv bw → ibw",
        ),
        (
            "Params have changed since last execution: before: 2 now: 3",
            "settings: 2 → 3",
        ),
        (
            "Params have changed since last execution: before: <nothing exclusive> now: [{'participant': '1', "
            "'session': 'baseline', 'region': 'aortic_arch', 'judgement': 'released'}]",
            "a reader's verdict changed",
        ),
        (
            "Params have changed since last execution: before: [{'participant': '1', 'session': 'b', 'weight_kg': 70}] "
            "now: [{'participant': '1', 'session': 'b', 'weight_kg': 80}]",
            "the site's worksheet changed",
        ),
    ],
)
def test_a_reason_is_said_in_words(reason: str, words: str) -> None:
    assert why(reason).strip() == words


def test_a_long_setting_is_cut() -> None:
    words = why(f"Params have changed since last execution: before: {'a' * 900} now: b")
    assert len(words) < 150
    assert "…" in words


def test_a_new_study_plans_every_stage_and_runs_nothing(tmp_path: Path) -> None:
    study = tmp_path / "study"
    assert petproc("init", study).returncode == 0
    scans = [ScanRow("1", visit, "FDG", f"1.{n}", f"2.{n}", "yes", "proposed") for n, visit in enumerate("ab")]
    write_rows(study / layout.SCANS, scans, ScanRow)
    said = petproc("plan", study)
    assert said.returncode == 0, said.stdout
    lines = {line.split()[0]: line for line in said.stdout.splitlines() if line.strip()}
    assert "2" in lines["ingest"].split()
    assert "yes" in lines["ingest"]
    assert "no" in lines["quantify"]
    assert "8 of which open images" in said.stdout
    assert not (study / "results").exists()
    assert not (study / layout.LEDGER).exists()


def test_a_plan_of_a_folder_that_is_no_study_says_so(tmp_path: Path) -> None:
    said = petproc("plan", tmp_path)
    assert said.returncode == 1
    assert "no-study" in said.stdout
