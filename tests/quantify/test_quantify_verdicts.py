"""Readers' verdicts over the gate, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hand_made import AORTA, CAVA, scan_of

from petproc.core.tables import Verdict
from petproc.quantify import quantify_study
from petproc.quantify.gate import Gate
from petproc.quantify.verdicts import heard
from petproc.settings import QuantifySettings

REGIONS = np.array(["aortic_arch"] * 3 + ["descending_aorta"] * 3)
STATIONS: dict[str, Any] = {"region": REGIONS, "arc_mm": np.array([-20.0, -10, 0, 10, 20, 30])}


def verdict(region: str, judgement: Any, **others: Any) -> Verdict:
    given = {"code": "", "from_mm": None, "to_mm": None, "why": "seen", "who": "reader1", "entry": 7, **others}
    return Verdict("P001", "baseline", region, judgement, **given)


def gate(*reasons: str, **refused: str) -> Gate:
    return Gate(np.array(reasons or ("",) * 6, dtype="<U20"), refused)


def test_a_released_region_is_accepted_wherever_the_pet_reaches() -> None:
    before = gate(
        "wall-not-visible", "", "outside-pet", "after-low-run", "", "", aortic_arch="needs-review: median ring score"
    )
    after = heard(before, STATIONS, [verdict("aortic_arch", "released")])
    assert after.reasons.tolist() == ["", "", "outside-pet", "after-low-run", "", ""]
    assert after.refused == {}


@pytest.mark.parametrize("reason", ["absent: not found", "outside-pet: the PET does not reach it"])
def test_what_is_not_there_cannot_be_released(reason: str) -> None:
    after = heard(gate(aortic_arch=reason), STATIONS, [verdict("aortic_arch", "released")])
    assert after.refused == {"aortic_arch": reason}


def test_a_rejected_region_is_refused_with_its_code_and_entry() -> None:
    after = heard(gate(), STATIONS, [verdict("aortic_arch", "rejected", code="motion")])
    assert after.refused == {"aortic_arch": "rejected: a reader rejected it (motion; ledger entry 7)."}


def test_an_excluded_range_takes_its_stations_of_that_region_alone() -> None:
    spans = [verdict("descending_aorta", "arc-excluded", code="node", from_mm=-5.0, to_mm=20.0)]
    assert heard(gate(), STATIONS, spans).reasons.tolist() == ["", "", "", *["excluded-by-reader"] * 2, ""]


def test_a_range_stays_excluded_in_a_region_that_is_released_later() -> None:
    made = [
        verdict("descending_aorta", "arc-excluded", code="node", from_mm=5.0, to_mm=15.0),
        verdict("descending_aorta", "released", entry=9),
    ]
    assert heard(gate(), STATIONS, made).reasons.tolist()[3] == "excluded-by-reader"


def test_without_verdicts_the_gate_stands_and_is_not_changed() -> None:
    before = gate("", "wall-not-visible", "", "", "", "", aortic_arch="needs-review: x")
    after = heard(before, STATIONS, [])
    assert after.reasons.tolist() == before.reasons.tolist()
    assert after.refused == before.refused
    heard(before, STATIONS, [verdict("aortic_arch", "released")])
    assert before.refused == {"aortic_arch": "needs-review: x"}


def test_a_verdict_reaches_the_numbers_of_its_scan_and_of_no_other() -> None:
    scans = [scan_of(AORTA, CAVA), replace(scan_of(AORTA, CAVA), session="followup")]
    rejected = replace(verdict("descending_aorta", "rejected", code="motion"), participant="01")
    settings = QuantifySettings(regions=("descending_aorta",))
    before, after = quantify_study(scans, settings, verdicts=[rejected])
    assert {row.status for row in before.uptake if row.region == "descending_aorta"} == {"refused"}
    assert {row.reason for row in before.vessels if row.region == "descending_aorta"} == {
        "rejected: a reader rejected it (motion; ledger entry 7)."
    }
    assert {row.status for row in after.uptake if row.region == "descending_aorta"} == {"measured"}
