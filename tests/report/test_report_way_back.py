"""The way back on the page: what stands with a number, in how little room, and that no name breaks out of it."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from test_report_page import HOSTILE

from petproc.report import Content, render
from petproc.settings import Analysis

SERIES = "1.2.840.113619.2.55.3.2831168002.786.1257934567"
COVERAGE = "quantify.coverage: p50 → p25"
TOLD: dict[str, Any] = {
    "number": {
        **{"participant": "P001", "session": "baseline", "region": "ascending_aorta", "metric": "mean_tbr_max"},
        **{"value": 2.5, "unit": "1", "status": "measured", "reason": None},
    },
    "analysis": {"name": "primary", "exploratory": None},
    "formula": {"words": "mean", "arithmetic": "(2.4 + 2.6) / 2 = 2.5", "again": 2.5, "agrees": True},
    "slices": [],
    "hottest": {
        **{"slice": 7, "suv": 3.9, "tbr": 2.6, "mm": [12.0, -34.5, 61.0], "pet_index": [63, 59, 137]},
        "dicom": {"instance": f"{SERIES}.138", "frame": None, "column": 63, "row": 59},
    },
    "background": {
        **{"region": "superior_vena_cava", "suv": 1.5, "backend": "classical", "n_voxel": 32},
        **{"activity_bq_ml": 1524.89, "voxels": None},
        "planes": [{"pet_k": k, "instance": f"{SERIES}.{k + 1}", "frame": None} for k in range(129, 147)],
    },
    "suv": {"card": None, "inputs": [], "words": ["SUV = activity", "weight 84.8 kg (tag)"]},
    "segmentation": {
        **{"backend": "totalsegmentator", "petproc": "0.1.0", "version": 3},
        "made_with": {"totalsegmentator": "2.18.0", "weights_sha256": "ab12" * 16},
        "mask": {"file": "sub-P001_dseg.nii.gz"},
        "judged": {"status": "accepted", "reason": None},
    },
    "settings": {"hash": "cd34" * 16, "not_default": {}, "values": {}},
    "decisions": {
        "verdicts": [
            {"judgement": "arc-excluded", "code": "node", "from_mm": 3.0, "to_mm": 9.0, "entry": 4, "why": "hot node"}
        ],
        "overrides": [{"finding": "uptake-time-early", "entry": 5, "why": "deviation 7"}],
        "edits": [{"mask": "m.nii.gz", "entry": 6, "why": "leaked"}],
    },
    "history": [
        {"value": 2.25, "status": "measured", "entry": 2, "time": "2026-12-01T09:00:00Z", "who": "x", "changed": []},
        {"value": 2.5, "status": "measured", "entry": 0, "time": "", "who": "", "changed": [COVERAGE]},
    ],
}  # fmt: skip


def told(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(TOLD) | changes


def section(*numbers: dict[str, Any]) -> str:
    page = render(
        Content([], [], [], [], way_back=numbers), title="T", name="primary", analysis=Analysis(), version="0"
    )
    return page[page.index('<section id="way-back">') : page.index('<section id="method">')]


def text(*numbers: dict[str, Any]) -> str:
    """What a reader sees, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", section(*numbers)).split())


@pytest.mark.parametrize(
    "words",
    [
        "(2.4 + 2.6) / 2 = 2.5 TBR of a slice = its SUV / BP, BP = 1.5",
        "12.0, -34.5, 61.0 mm (RAS+), PET index 63, 59, 137",
        f"DICOM instance {SERIES}.138 , row 59, column 63",
        "superior vena cava by classical: 32 voxels in PET planes 129 to 146, mean 1524.89 Bq/mL",
        f"DICOM instances {SERIES}.{{130, 131, 132,",
        "SUV = activity weight 84.8 kg (tag)",
        "totalsegmentator, petproc 0.1.0, results version 3, accepted",
        "totalsegmentator 2.18.0, weights_sha256 ab12ab12ab12 mask sub-P001_dseg.nii.gz",
        "arc-excluded 3 to 9 mm, node (ledger entry 4): hot node",
        "lets uptake-time-early stand (ledger entry 5): deviation 7",
        "masks edited (ledger entry 6): leaked",
        "cd34" * 16,
        "2.25 from 2026-12-01 on (ledger entry 2)",
        "now another one by quantify.coverage: p50 → p25",
        "petproc explain STUDY P001 baseline ascending_aorta mean_tbr_max --analysis primary",
    ],
)
def test_everything_about_a_number_stands_with_it(words: str) -> None:
    assert words in text(told())


def test_a_number_is_told_in_two_kilobytes() -> None:
    ten = section(*(told() for _ in range(10)))
    assert (len(ten.encode()) - len(section(told()).encode())) / 9 < 2300


def test_numbers_stand_under_their_participants() -> None:
    other = told(number={**TOLD["number"], "participant": "P002"})
    found = section(told(), told(), other)
    assert found.count('class="person"') == 2
    assert found.count('class="number"') == 3
    assert "2 numbers" in found
    assert "1 number<" in found


def test_a_number_that_is_refused_has_its_reason_and_nothing_in_its_place() -> None:
    refused = told(
        number={**TOLD["number"], "value": None, "status": "refused", "reason": "needs-review: radius."},
        formula={"words": "mean", "arithmetic": None, "again": None, "agrees": None},
        hottest=None,
        background=None,
        history=[],
    )
    found = text(refused)
    assert "Ascending aorta refused Status needs-review: radius." in found
    assert "Formula" not in found
    assert "2.5 " not in found


def test_arithmetic_that_does_not_come_out_is_called_out() -> None:
    assert "comes out as 2.4" in text(told(formula={**TOLD["formula"], "again": 2.4, "agrees": False}))


def test_instances_that_share_nothing_are_told_in_full() -> None:
    planes = [{"pet_k": 1, "instance": "1.2.3", "frame": None}, {"pet_k": 2, "instance": "2.25.4", "frame": None}]
    assert "DICOM instances 1.2.3, 2.25.4" in text(told(background={**TOLD["background"], "planes": planes}))


def test_no_name_breaks_out_of_the_page() -> None:
    def hostile(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: hostile(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [hostile(inner) for inner in value]
        return HOSTILE if isinstance(value, str) else value

    found = section(hostile(TOLD))
    assert "<script" not in found
    assert "<img" not in found
    assert "&lt;script&gt;" in found


def test_a_page_without_explanations_has_no_section_of_them() -> None:
    page = render(Content([], [], [], []), title="T", name="primary", analysis=Analysis(), version="0")
    assert "way-back" not in page.split("</style>")[1]
