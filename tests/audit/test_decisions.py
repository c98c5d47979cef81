"""What holds after a row of decisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from petproc.audit.decisions import (
    Place,
    decisions,
    exclude_arc,
    exclude_scan,
    override,
    reject,
    release,
    withdraw,
)
from petproc.audit.ledger import read
from petproc.core.errors import Refusal

ARCH = Place("P001", "baseline", "aortic_arch")
BY = {"why": "looked at it", "by": "reader1"}


def test_a_release_holds_with_who_and_why(tmp_path: Path) -> None:
    release(tmp_path, ARCH, **BY)
    (verdict,) = decisions(read(tmp_path)).verdicts
    assert (verdict.participant, verdict.session, verdict.region) == ("P001", "baseline", "aortic_arch")
    assert (verdict.judgement, verdict.who, verdict.why) == ("released", "reader1", "looked at it")


def test_the_later_verdict_on_the_same_place_holds_and_says_what_was_before(tmp_path: Path) -> None:
    release(tmp_path, ARCH, **BY)
    entry = reject(tmp_path, ARCH, code="segmentation", **BY)
    assert [one.judgement for one in decisions(read(tmp_path)).verdicts] == ["rejected"]
    assert entry.before == ["released"]


def test_verdicts_on_other_places_hold_beside_each_other(tmp_path: Path) -> None:
    release(tmp_path, ARCH, **BY)
    reject(tmp_path, Place("P001", "followup", "aortic_arch"), code="motion", **BY)
    assert [one.judgement for one in decisions(read(tmp_path)).verdicts] == ["released", "rejected"]


def test_ranges_of_arc_add_up_and_hold_at_all_visits(tmp_path: Path) -> None:
    place = Place("P001", region="descending_aorta")
    exclude_arc(tmp_path, place, (10, 20), code="node", **BY)
    exclude_arc(tmp_path, place, (40, 55), code="oesophagus", **BY)
    verdicts = decisions(read(tmp_path)).verdicts
    assert [(one.session, one.from_mm, one.to_mm, one.code) for one in verdicts] == [
        ("", 10, 20, "node"),
        ("", 40, 55, "oesophagus"),
    ]


@pytest.mark.parametrize("span", [(20, 10), (5, 5), (0, 2000), (float("nan"), 5)])
def test_an_impossible_range_of_arc_is_refused(tmp_path: Path, span: tuple[float, float]) -> None:
    with pytest.raises(Refusal, match="arc-range-invalid"):
        exclude_arc(tmp_path, Place("P001", region="aortic_arch"), span, code="node", **BY)


def test_a_range_of_arc_at_one_visit_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="arc-range-one-visit"):
        exclude_arc(tmp_path, ARCH, (0, 10), code="node", **BY)


def test_a_withdrawn_decision_stays_in_the_ledger_and_does_not_hold(tmp_path: Path) -> None:
    first = exclude_scan(tmp_path, Place("P001", "baseline"), **BY)
    withdraw(tmp_path, first.entry, why="wrong scan", by="reader1")
    assert decisions(read(tmp_path)).exclusions == ()
    assert [entry.what for entry in read(tmp_path)] == ["exclusion", "exclusion"]


def test_when_the_last_verdict_is_withdrawn_the_one_before_holds_again(tmp_path: Path) -> None:
    release(tmp_path, ARCH, **BY)
    second = reject(tmp_path, ARCH, code="other", **BY)
    withdraw(tmp_path, second.entry, why="by mistake", by="reader1")
    assert [one.judgement for one in decisions(read(tmp_path)).verdicts] == ["released"]


@pytest.mark.parametrize("number", [0, 1, 3, 99])
def test_only_a_decision_in_force_can_be_withdrawn(tmp_path: Path, number: int) -> None:
    first = exclude_scan(tmp_path, Place("P001", "baseline"), **BY)
    withdraw(tmp_path, first.entry, why="wrong scan", by="reader1")
    with pytest.raises(Refusal, match="decision-unknown"):
        withdraw(tmp_path, number, **BY)


def test_a_finding_that_is_let_stand_is_recorded_with_its_code(tmp_path: Path) -> None:
    override(tmp_path, Place("P001", "baseline"), "uptake-time-early", **BY)
    (found,) = decisions(read(tmp_path)).overrides
    assert (found.finding, found.why) == ("uptake-time-early", "looked at it")


def test_an_unknown_region_and_an_unknown_reason_code_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="region-unknown"):
        release(tmp_path, Place("P001", "baseline", "aorta"), **BY)
    with pytest.raises(Refusal, match="reason-code-unknown"):
        reject(tmp_path, ARCH, code="ugly", **BY)
    assert read(tmp_path) == ()
