"""Each combination is the same analysis asked alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "quantify"))

from hand_made import AORTA, CAVA, Vessel, scan_of

from petproc.compare import INDEX_VESSEL, compare_study
from petproc.core.tables import ScanRow, Verdict
from petproc.multiverse import Answer, Specification, specifications, sweep
from petproc.quantify import ScanTables, excluded_rows, for_backends, quantify_study
from petproc.settings import Analysis

CAROTID = "left_common_carotid"
BASE = Analysis.model_validate(
    {
        "backend": "imported",
        "quantify": {
            "regions": [CAROTID, "descending_aorta", "aortic_arch"],
            "further_metrics": ["positive_fraction"],
            "positive_tbr": 1.75,
        },
        "compare": {"index_candidates": ["descending_aorta", CAROTID]},
    }
)
VARY = {
    "quantify.active_tbr": [2.0, 3.5],
    "quantify.background.volume_ml": [1.0, 2.0],
    "quantify.coverage": ["p25", "p90"],
    "quantify.depth_mm": [[0.0, None], [2.0, None]],
    "compare.index_metric": ["positive_fraction", "active_mean_tbr_max"],
    "backend_of.left_common_carotid": ["imported", "seeded"],
}
Tables = dict[tuple[str, str], dict[str, ScanTables]]
SCANS = [
    ScanRow(person, session, "FDG", "1", "2", include, "because")
    for person, include in (("P1", "yes"), ("P2", "yes"), ("P3", "no"))
    for session in ("baseline", "followup")
]


def scan(participant: str, session: str, heat: float) -> dict[str, ScanTables]:
    """By backend; the second has a hotter carotid, which is then the index vessel."""
    warm = {k: heat * (9000.0 + 300.0 * k) for k in range(20)}
    made = {}
    for backend, hotter in (("imported", 0.9), ("seeded", 1.4)):
        vessels = (
            Vessel(CAROTID, x=60.0, radius=6.0, hottest={k: hotter * value for k, value in warm.items()}),
            replace(AORTA, blood=7000.0, hottest=warm),
            CAVA,
        )
        tables = scan_of(*vessels, participant=participant, session=session)
        rng = np.random.default_rng([int(participant[1]), len(session), len(backend)])
        noise = rng.normal(1.0, 0.04, len(tables.voxels["i"])).astype(np.float32)
        voxels = {**tables.voxels, "activity": tables.voxels["activity"] * noise}
        arc = tables.stations["arc_mm"] - 30.0
        stations = {**tables.stations, "arc_mm": arc}
        sample = {**tables.sample, "backend": backend}
        made[backend] = replace(tables, voxels=voxels, stations=stations, sample=sample)
    return made


@pytest.fixture(scope="module")
def tables() -> Tables:
    heat = {("P1", "baseline"): 1.2, ("P1", "followup"): 1.0, ("P2", "baseline"): 1.0, ("P2", "followup"): 1.1}
    return {key: scan(*key, warm) for key, warm in heat.items()}


VERDICTS = [
    Verdict("P2", "followup", "descending_aorta", "arc-excluded", "node", -10.0, 0.0, "", "", 3),
]


COMBINED = specifications(BASE, VARY)


def sweep_of(tables: Tables, combined: list[Specification], processes: int = 1) -> list[Answer]:
    readers = {key: (lambda one=one: one) for key, one in tables.items()}
    return sweep(combined, SCANS, readers, verdicts=VERDICTS, processes=processes)


@pytest.fixture(scope="module")
def swept(tables: Tables) -> list[Answer]:
    return sweep_of(tables, COMBINED)


def test_each_combination_equals_the_same_analysis_alone(tables: Tables, swept: list[Answer]) -> None:
    found = {(one.participant, one.specification): one for one in swept}
    assert len(COMBINED) == 64
    assert len(found) == 3 * 64
    for one in COMBINED:
        analysis = one.analysis
        quantified = list(
            quantify_study(
                [for_backends(by_backend, analysis) for by_backend in tables.values()],
                analysis.quantify,
                verdicts=VERDICTS,
            )
        )
        compared = compare_study(
            [row for scan in quantified for row in scan.slices],
            [row for scan in quantified for row in scan.uptake] + excluded_rows(SCANS),
            SCANS,
            settings=analysis.compare,
            quantify=analysis.quantify,
        )
        index = {choice.participant: choice.region for choice in compared.index}
        alone = [row for row in compared.change if (row.region, row.metric) == (INDEX_VESSEL, one.metric)]
        assert len(alone) == 3
        for row in alone:
            answer = found[row.participant, one.number]
            assert answer.index_vessel == index[row.participant]
            for name in ("metric", "unit", "baseline", "follow_up", "change", "percent_change", "status", "reason"):
                assert getattr(answer, name) == getattr(row, name)


def test_the_combinations_differ(swept: list[Answer]) -> None:
    """Else equality above would say little."""
    found = [one for one in swept if one.participant == "P1"]
    assert {one.status for one in found} == {"measured"}
    assert {one.index_vessel for one in found} == {CAROTID, "descending_aorta"}
    for path in VARY:
        by_value: dict[str, set[float | None]] = {}
        for one, answer in zip(COMBINED, found, strict=True):
            by_value.setdefault(str(one.values[path]), set()).add(answer.baseline)
        first, second = by_value.values()
        assert first != second, path


def test_answers_are_the_same_for_any_number_of_processes(tables: Tables) -> None:
    assert sweep_of(tables, COMBINED[:6], processes=3) == sweep_of(tables, COMBINED[:6])


def test_who_is_left_out_has_a_row_with_the_reason(swept: list[Answer]) -> None:
    excluded = [one for one in swept if one.participant == "P3"]
    assert len(excluded) == 64
    assert {one.change for one in excluded} == {None}
    assert all(one.reason for one in excluded)
