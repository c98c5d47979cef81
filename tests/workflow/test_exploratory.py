"""From `petproc unblind` on, the plan marks what is added or changed; it shows on the page, in tables and commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from studies import petproc
from test_plan import TABLES, Study

from petproc import layout
from petproc.io import read_json
from petproc.workflow.decide import unblind
from petproc.workflow.plan import Plan

BY = {"why": "database locked", "by": "statistician"}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    made = Study(tmp_path)
    made.make()
    status, said = made.snakemake()
    assert status == 0, said
    return made


def test_only_what_is_asked_anew_is_planned_and_marked(study: Study) -> None:
    unblind(study.folder, **BY)
    assert study.planned() == {}
    config = study.config()
    config["analyses"]["late"] = {"extends": "primary"}
    study.configure(config)
    assert study.planned() == TABLES
    assert Plan.read(study.folder).exploratory("late").startswith("added after unblinding (ledger entry 3")
    assert Plan.read(study.folder).exploratory("primary") == ""
    config["analyses"]["primary"]["quantify"]["active_tbr"] = 1.6
    study.configure(config)
    assert Plan.read(study.folder).exploratory("primary").endswith(": quantify.active_tbr 2.0 → 1.6")


def test_a_mark_is_in_the_params_of_the_tables_after_quantify_alone() -> None:
    """A mark may plan what shows it: neither a stage that opens images nor the measurement."""
    from petproc.workflow.study import workflow_root

    rules = {path.stem: path.read_text() for path in (workflow_root() / "workflow/rules").glob("*.smk")}
    assert {name for name, text in rules.items() if "PLAN.exploratory" in text} == {"compare", "report"}


def test_an_analysis_that_says_so_itself_stays_exploratory(study: Study) -> None:
    config = study.config()
    config["analyses"]["primary"]["exploratory"] = True
    study.configure(config)
    assert Plan.read(study.folder).exploratory("primary") == "asked after unblinding"
    unblind(study.folder, **BY)
    assert Plan.read(study.folder).exploratory("primary") == "asked after unblinding"


def test_the_mark_is_on_the_page_in_the_record_and_said_by_every_command(ran: Path, tmp_path: Path) -> None:
    study = shutil.copytree(ran, tmp_path / "study")
    said = petproc("unblind", study, "--why", "database locked", "--by", "statistician")
    assert (said.returncode, "1 analyses as they stand" in said.stdout) == (0, True)
    assert petproc("unblind", study, "--why", "again", "--by", "statistician").returncode == 1
    path = study / layout.CONFIG
    config = yaml.safe_load(path.read_text())
    config["analyses"]["late"] = {"extends": "primary", "quantify": {"active_tbr": 1.6}}
    path.write_text(yaml.safe_dump(config))
    said = petproc("run", study, "--cores", "2")
    assert said.returncode == 0, said.stdout
    words = "added after unblinding (ledger entry 3, "
    pages = {name: layout.path(layout.REPORT, study, analysis=name).read_text() for name in ("primary", "late")}
    assert f"Exploratory: {words}" in pages["late"]
    assert "xploratory" not in pages["primary"].split("<main>")[0].split("</style>")[1]
    records = {name: read_json(layout.path(layout.COMPARE, study, analysis=name)) for name in pages}
    assert records["late"]["exploratory"].startswith(words)
    assert records["primary"]["exploratory"] == ""
    assert f"Analysis late is exploratory: {words}" in said.stdout
    for command in (("status", study), ("plan", study), ("diff", study, "primary", "late", "--no-explained")):
        assert f"late is exploratory: {words}" in petproc(*command).stdout, command
    number = ("P001", "baseline", "ascending_aorta", "mean_tbr_max", "--json")
    told = {name: json.loads(petproc("explain", study, *number, "--analysis", name).stdout) for name in pages}
    assert told["late"]["analysis"]["exploratory"].startswith(words)
    assert told["primary"]["analysis"] == {"name": "primary", "exploratory": None}
    verified = petproc("verify", study)
    assert verified.returncode == 0, verified.stdout
    assert "no line of the ledger names" not in verified.stdout
