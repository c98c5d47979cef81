"""Earlier values of a number by hand: runs whose tables hold it, and what was changed in between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from petproc import layout
from petproc.audit.decisions import Place, release
from petproc.audit.history import keep
from petproc.audit.ledger import Event, append
from petproc.core.tables import UptakeRow
from petproc.io import write_json, write_rows
from petproc.workflow.earlier import earlier_values, key_of

ROW = UptakeRow(
    *("P001", "baseline", "aortic_arch", "mean_tbr_max", 2.0, "1", 20, 400, 20.0, "superior_vena_cava", 1.5, 120.0),
    status="measured",
    reason=None,
)
OTHER = replace(ROW, participant="P002")
KEY = key_of(ROW)


class Runs:
    """A study in which runs leave these values."""

    def __init__(self, study: Path) -> None:
        self.study = study

    def run(
        self, value: float | None, settings: dict[str, Any] | None = None, began: dict[str, Any] | None = None
    ) -> int:
        settings = {"quantify": settings or {"active_tbr": 2.0}}
        append(self.study, Event("run-started", "r", after=began or {}))
        write_json(layout.path(layout.QUANTIFY, self.study, analysis="primary"), {"settings": settings})
        rows = [replace(ROW, value=value, status="refused" if value is None else "measured"), OTHER]
        write_rows(layout.path(layout.UPTAKE, self.study, analysis="primary"), rows, UptakeRow)
        after = {"status": "ok", "published": keep(self.study, ["primary"])}
        return append(self.study, Event("run-finished", "r", after=after)).entry

    def told(self, **now: Any) -> list[tuple[float | None, int, tuple[str, ...]]]:
        return [(one.value, one.entry, one.changed) for one in earlier_values(self.study, [KEY], "primary", **now)[KEY]]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_a_value_that_stays_is_told_once(runs: Runs) -> None:
    first = runs.run(2.0)
    runs.run(2.0, {"active_tbr": 1.6})
    assert runs.told() == [(2.0, first, ())]


def test_a_changed_setting_stands_with_the_value_that_it_made(runs: Runs) -> None:
    first, second = runs.run(2.0), runs.run(2.25, {"active_tbr": 1.6})
    assert runs.told() == [(2.0, first, ()), (2.25, second, ("quantify.active_tbr: 2.0 → 1.6",))]


def test_a_value_that_came_back_is_told_twice(runs: Runs) -> None:
    numbers = [runs.run(value) for value in (2.0, 2.25, 2.0)]
    assert [(value, entry) for value, entry, _ in runs.told()] == list(zip((2.0, 2.25, 2.0), numbers, strict=True))


def test_a_number_that_is_refused_now_says_so(runs: Runs) -> None:
    runs.run(2.0)
    runs.run(None)
    assert [one.status for one in earlier_values(runs.study, [KEY], "primary")[KEY]] == ["measured", "refused"]


def test_a_verdict_between_runs_stands_with_the_value_and_one_elsewhere_does_not(runs: Runs) -> None:
    runs.run(None)
    release(runs.study, Place("P002", "baseline", "aortic_arch"), why="fine", by="reader1")
    entry = release(runs.study, Place("P001", "baseline", "aortic_arch"), why="outline is right", by="reader1").entry
    runs.run(2.0)
    assert runs.told()[-1][2] == (f"verdict aortic_arch, entry {entry}: outline is right",)


def test_a_later_version_and_an_edited_worksheet_stand_with_the_value(runs: Runs) -> None:
    runs.run(2.0, began={"results_version": {"sample": 2, "report": 3}, "config": {layout.WORKSHEET: "a"}})
    runs.run(2.1, began={"results_version": {"sample": 3}, "config": {layout.WORKSHEET: "b"}})
    assert runs.told()[-1][2] == ("results version of sample: 2 → 3", f"{layout.WORKSHEET} was edited")


def test_a_setting_of_a_stage_before_is_told_by_its_file(runs: Runs) -> None:
    runs.run(2.0, began={"config": {layout.CONFIG: "a"}})
    runs.run(2.1, began={"config": {layout.CONFIG: "b"}})
    assert runs.told()[-1][2] == (f"{layout.CONFIG} was edited",)


def test_what_is_being_made_is_told_as_it_will_be_once_it_is_published(runs: Runs) -> None:
    """The page of a run and the same page made again afterwards say the same."""
    runs.run(2.0)
    append(runs.study, Event("run-started", "r", after={}))
    now = ({"quantify": {"active_tbr": 1.6}}, {KEY: replace(ROW, value=2.25)})
    during = runs.told(now=now)
    runs.run(2.25, {"active_tbr": 1.6})
    after = runs.told(now=now)
    assert [(value, why) for value, _, why in during] == [(value, why) for value, _, why in after]
    assert during[-1] == (2.25, 0, ("quantify.active_tbr: 2.0 → 1.6",))
