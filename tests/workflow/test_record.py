"""Every run of the workflow is in the ledger, with what it ran with and what it left."""

from __future__ import annotations

import hashlib
import json

import pytest
from test_plan import Study

from petproc import layout
from petproc.audit.history import recall
from petproc.audit.ledger import problems, read

UPTAKE = layout.path(layout.UPTAKE, analysis="primary").as_posix()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(tmp_path_factory.mktemp("record"))
    study.make()
    assert study.snakemake("--dry-run")[0] == 0
    assert not (study.folder / layout.LEDGER).exists()
    assert study.snakemake()[0] == 0
    return study


def test_a_dry_run_and_a_run_with_nothing_to_do_leave_no_entry(ran: Study) -> None:
    before = (ran.folder / layout.LEDGER).read_bytes()
    assert ran.snakemake()[0] == 0
    assert (ran.folder / layout.LEDGER).read_bytes() == before


def test_a_run_is_recorded_with_its_versions_and_its_tables(ran: Study) -> None:
    started, finished = read(ran.folder)
    assert (started.what, finished.what) == ("run-started", "run-finished")
    assert {"numpy", "snakemake"} <= set(started.after["libraries"])
    config = (ran.folder / layout.CONFIG).read_bytes()
    assert started.after["config"][layout.CONFIG] == hashlib.sha256(config).hexdigest()
    assert finished.after["status"] == "ok"
    assert finished.after["published"][UPTAKE] == hashlib.sha256((ran.folder / UPTAKE).read_bytes()).hexdigest()
    assert problems(ran.folder) == []


def test_a_run_that_fails_says_so_and_earlier_tables_stay_to_be_had(ran: Study) -> None:
    (ran.folder / UPTAKE).write_bytes(b"by hand")
    rules = ran.workflow / "workflow/rules/compare.smk"
    rules.write_text(rules.read_text().replace("touch {output}", "false"))
    ran.configure({**ran.config(), "analyses": {"primary": {"quantify": {"active_tbr": 1.6}}}})
    assert ran.snakemake()[0] == 1
    finished = [entry for entry in read(ran.folder) if entry.what == "run-finished"]
    assert [entry.after["status"] for entry in finished] == ["ok", "failed"]
    assert recall(ran.folder, finished[0].after["published"][UPTAKE]) == b""


def test_the_ledger_holds_no_place_of_the_machine(ran: Study) -> None:
    for line in (ran.folder / layout.LEDGER).read_text().splitlines():
        assert str(ran.folder) not in json.dumps(json.loads(line))
