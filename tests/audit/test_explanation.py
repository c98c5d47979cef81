"""A number made by hand, explained."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from petproc.audit.decisions import Decisions, Edit, Override
from petproc.audit.explanation import Blood, Evidence, explanation
from petproc.core.grid import Grid
from petproc.core.tables import FragilityRow, SliceRow, UptakeRow, Verdict
from petproc.settings import Analysis, plain

TBR_MAX = (1.5, 1.6, 2.4, 2.0, 1.7, 1.2)
BLOOD_SUV = 1.25
GRID = Grid((10, 10, 8), np.array([[-4.0, 0, 0, 100], [0, -4.0, 0, 50], [0, 0, 3.0, -20], [0, 0, 0, 1]]))


def slices(counts: tuple[bool, ...] = (True,) * 6) -> list[SliceRow]:
    return [
        SliceRow(
            *("P001", "baseline", "descending_aorta", n, n, 3.0 * n, 20, 320.0, 1.0, 120.0),
            suv_max=tbr * BLOOD_SUV,
            suv_mean=BLOOD_SUV,
            tbr_max=tbr,
            tbr_mean=1.0,
            hottest_i=n,
            hottest_j=2 * n,
            hottest_k=n + 1,
            slice_mm=3.0,
            flag=None,
            counts=counts[n],
            reason=None if counts[n] else "near-myocardium",
        )
        for n, tbr in enumerate(TBR_MAX)
    ]


def uptake(metric: str, value: float | None) -> UptakeRow:
    status: Any = "refused" if value is None else "measured"
    return UptakeRow(
        *("P001", "baseline", "descending_aorta", metric, value, "1", 6, 120, 2.0),
        background_region="superior_vena_cava",
        background_suv=BLOOD_SUV,
        uptake_min=120.0,
        status=status,
        reason=None if value is not None else "background-refused: too thin",
    )


def evidence(metric: str = "mean_tbr_max", value: float | None = sum(TBR_MAX) / 6, **others: Any) -> Evidence:
    images = [{"instance": f"1.2.{k}"} for k in range(8)]
    whole = Evidence(
        uptake(metric, value),
        slices(),
        GRID,
        plain(Analysis()),
        {"petproc": {"slices": images, "suv": {"status": "ok"}}},
        {"backend": "classical", "petproc": "0.1.0", "version": 2, "made_with": {}},
    )
    return replace(whole, **others)


def test_the_arithmetic_of_a_mean_over_slices_is_written_out_and_comes_out_again() -> None:
    told = explanation(evidence())["formula"]
    assert told["arithmetic"] == "(1.5 + 1.6 + 2.4 + 2 + 1.7 + 1.2) / 6 = 1.73333"
    assert told["again"] == pytest.approx(1.7333333, abs=1e-6)
    assert told["agrees"] is True


def test_slices_that_do_not_count_are_shown_and_take_no_part() -> None:
    counts = (True, True, True, True, True, False)
    told = explanation(evidence(value=sum(TBR_MAX[:5]) / 5, slices=slices(counts)))
    assert told["formula"]["agrees"] is True
    assert [one["counts"] for one in told["slices"]] == list(counts)
    assert told["slices"][5]["reason"] == "near-myocardium"


def test_a_value_that_its_slices_do_not_give_is_said_not_to_agree() -> None:
    assert explanation(evidence(value=1.75))["formula"]["agrees"] is False


def test_the_hottest_voxel_is_placed_in_mm_in_the_pet_and_in_its_dicom_image() -> None:
    """Slice 2 has TBRmax 2.4; its voxel is (2, 4, 3): 100 - 8, 50 - 16, -20 + 9."""
    told = explanation(evidence())["hottest"]
    assert (told["slice"], told["tbr"]) == (2, 2.4)
    assert told["mm"] == [92.0, 34.0, -11.0]
    assert told["pet_index"] == [2, 4, 3]
    assert told["dicom"] == {"instance": "1.2.3", "frame": None, "column": 2, "row": 4}


def test_the_hottest_voxel_is_not_one_of_a_slice_left_out() -> None:
    told = explanation(evidence(slices=slices((True, True, False, True, True, True))))["hottest"]
    assert (told["slice"], told["tbr"]) == (3, 2.0)


def test_the_voxels_of_the_blood_pool_are_listed_with_their_images() -> None:
    blood = Blood.of("superior_vena_cava", np.array([[1, 2, 3], [1, 2, 4]]), np.array([900.0, 1100.0]))
    told = explanation(evidence(blood=blood))["background"]
    assert (told["suv"], told["n_voxel"], told["activity_bq_ml"]) == (BLOOD_SUV, 2, 1000.0)
    assert told["voxels"] == [[1, 2, 3], [1, 2, 4]]
    assert told["planes"] == [
        {"pet_k": 3, "instance": "1.2.3", "frame": None},
        {"pet_k": 4, "instance": "1.2.4", "frame": None},
    ]


def test_a_number_that_is_refused_is_explained_by_its_reason_and_no_arithmetic() -> None:
    told = explanation(evidence(value=None))
    assert told["number"]["reason"] == "background-refused: too thin"
    assert told["formula"]["arithmetic"] is None


def test_decisions_about_this_place_and_only_these_are_listed() -> None:
    here = Verdict("P001", "", "descending_aorta", "arc-excluded", "node", 3.0, 6.0, "a node", "reader1", 4)
    elsewhere = replace(here, region="aortic_arch")
    stands = Override("P001", "baseline", "uptake-time-early", "known", "reader1", 5)
    made = Decisions((here, elsewhere), (), (stands, replace(stands, session="followup")))
    told = explanation(evidence(decisions=made))["decisions"]
    assert [(one["region"], one["code"]) for one in told["verdicts"]] == [("descending_aorta", "node")]
    assert [one["entry"] for one in told["overrides"]] == [5]


def test_an_edit_is_listed_where_its_masks_were_measured_and_not_with_another_backend() -> None:
    edit = Edit("P001", "baseline", "classical", "decisions/edits/x.nii.gz", "ab", {}, "leaked", "reader1", 6)
    listed = []
    for backend in ("classical_desc-edited", "classical", "seeded"):
        told = explanation(evidence(decisions=Decisions(edits=(edit,)), segmentation={"backend": backend}))
        listed.append([one["entry"] for one in told["decisions"]["edits"]])
    assert listed == [[6], [], []]


def test_settings_that_were_set_to_something_are_told_apart_from_the_defaults() -> None:
    chosen = plain(Analysis.model_validate({"quantify": {"active_tbr": 1.6}, "backend_of": {"liver": "imported"}}))
    told = explanation(evidence(settings=chosen))["settings"]
    assert told["not_default"] == {"backend_of.liver": "imported", "quantify.active_tbr": 1.6}


def test_the_masks_and_what_they_were_made_with_are_told_whole() -> None:
    made_with = {"totalsegmentator": "2.18.0", "weights_sha256": "ab" * 32}
    made = {"backend": "totalsegmentator", "petproc": "0.1.0", "version": 3, "made_with": made_with}
    told = explanation(evidence(segmentation=made, mask={"file": "dseg.nii.gz", "sha256": "cd" * 32}))["segmentation"]
    assert told["made_with"] == made_with
    assert told["mask"] == {"file": "dseg.nii.gz", "sha256": "cd" * 32}


def test_the_hash_of_the_settings_follows_their_values_and_not_their_order() -> None:
    settings = plain(Analysis())
    turned = dict(reversed(list(settings.items())))
    other = {**settings, "backend": "imported"}
    hashes = [explanation(evidence(settings=one))["settings"]["hash"] for one in (settings, turned, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_how_firm_a_number_is_stands_with_it_where_that_is_known() -> None:
    row = FragilityRow(
        *("P001", "baseline", "descending_aorta", "mean_tbr_max", "1", 1.75, 1.5, 2.0, 0.5, 0.5),
        low_at="boundary 1 mm out",
        high_at="vessels 2 mm up",
        index_vessel=True,
        change=-0.25,
        fragile="yes",
        status="measured",
        reason=None,
    )
    assert explanation(evidence())["fragility"] is None
    assert explanation(evidence(fragility=row))["fragility"] == {
        **{
            "low": 1.5,
            "low_at": "boundary 1 mm out",
            "high": 2.0,
            "high_at": "vessels 2 mm up",
            "width": 0.5,
            "at_least": 0.5,
        },
        **{"status": "measured", "reason": None, "change": -0.25, "fragile": "yes"},
    }


def test_everything_is_plain_json() -> None:
    assert json.loads(json.dumps(explanation(evidence()))) == explanation(evidence())


@pytest.mark.parametrize(("metric", "value"), [("max_tbr_max", 2.4), ("mds_tbr_max", 2.0)])
def test_metrics_that_are_no_plain_mean_come_out_again_too(metric: str, value: float) -> None:
    """Slices of 3 mm: 15 mm are five of them, centred on the third: (1.5 + 1.6 + 2.4 + 2.0 + 1.7) / 5."""
    if metric == "mds_tbr_max":
        value = (1.5 + 1.6 + 2.4 + 2.0 + 1.7) / 5
    told = explanation(evidence(metric, value))["formula"]
    assert told["agrees"] is True
    assert told["arithmetic"].startswith("from 1.5, 1.6, 2.4")
