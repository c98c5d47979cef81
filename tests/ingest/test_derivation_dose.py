"""Dose, half-life, weight, height and sex: taken, taken in another unit with a finding, or unknown with a code."""

from __future__ import annotations

from typing import Any

import pytest
from pet_headers import code_of, codes, derived, suv_factors, unknown

from petproc.core.suv import suv_per_activity

LEFT = 2 ** (-3600 / 6586.2)
PER_BQ = 70_000 / (350e6 * LEFT)


@pytest.mark.parametrize(
    ("told", "bq", "found"),
    [
        ("350", 350e6, {"dose-in-mbq"}),
        ("40", 40e6, {"dose-in-mbq"}),
        ("2000", 2e9, {"dose-in-mbq"}),
        ("1000000", 1e6, {"dose-unusual"}),
        ("9999999", 9999999, {"dose-unusual"}),
        ("10000000", 1e7, set()),
        ("2000000000", 2e9, set()),
        ("3000000000", 3e9, {"dose-unusual"}),
        ("100000000000", 1e11, {"dose-unusual"}),
    ],
)
def test_a_dose_is_in_bq_or_unmistakably_in_mbq(told: str, bq: float, found: set[str]) -> None:
    known = derived(RadionuclideTotalDose=told)
    assert known.acquisition.injected_activity_bq == bq
    assert suv_factors(known) == pytest.approx([70_000 / (bq * LEFT)] * 3)
    assert codes(known) == found


@pytest.mark.parametrize(
    ("told", "code"),
    [
        *((told, "dose-implausible") for told in ("-3.5e8", "0.35", "9.5", "39", "2001", "370000", "999999", "2e11")),
        *((told, "dose-missing") for told in ("0", "", None)),
    ],
)
def test_a_dose_in_doubt_is_unknown_and_the_images_go_on(told: str | None, code: str) -> None:
    known = derived(RadionuclideTotalDose=told)
    assert unknown(known) == {"injected_activity_bq": code}
    assert codes(known) == {code}
    assert code_of(lambda: suv_per_activity(known.acquisition)) == code
    assert known.acquisition.uptake_min(0) == 60.0


@pytest.mark.parametrize(
    ("told", "kg", "found"),
    [
        ("70", 70.0, set()),
        ("70000", 70.0, {"weight-in-grams"}),
        ("30000", 30.0, {"weight-in-grams"}),
        ("260", 260.0, set()),
    ],
)
def test_a_weight_is_in_kg_or_unmistakably_in_g(told: str, kg: float, found: set[str]) -> None:
    known = derived(PatientWeight=told)
    assert known.acquisition.weight_kg == kg
    assert suv_factors(known) == pytest.approx([1000 * kg / (350e6 * LEFT)] * 3)
    assert codes(known) == found


@pytest.mark.parametrize("told", ["0", "", "-70", "0.07", "501", "7000", "19999", "500000", "1e300", None])
def test_a_weight_in_doubt_is_unknown(told: str | None) -> None:
    known = derived(PatientWeight=told)
    assert unknown(known) == {"weight_kg": "weight-unusable"}
    assert codes(known) == {"weight-unusable"}
    assert code_of(lambda: suv_per_activity(known.acquisition)) == "weight-unusable"
    assert suv_per_activity(known.acquisition, "ibw") == pytest.approx(66_430 / (350e6 * LEFT))


@pytest.mark.parametrize(("weight", "height"), [("7", "1.75"), ("20000", "1.75"), ("70", "0.7"), ("490", "175")])
def test_a_weight_and_a_height_that_nobody_has_are_both_unknown(weight: str, height: str) -> None:
    known = derived(PatientWeight=weight, PatientSize=height)
    assert unknown(known) == dict.fromkeys(("weight_kg", "height_m"), "weight-and-height-contradict")
    assert "weight-and-height-contradict" in codes(known)
    assert code_of(lambda: suv_per_activity(known.acquisition)) == "weight-and-height-contradict"


def test_a_newborn_and_the_heaviest_are_believed() -> None:
    for weight, height in (("3", "0.5"), ("300", "1.7")):
        assert derived(PatientWeight=weight, PatientSize=height).acquisition.weight_kg == float(weight)


@pytest.mark.parametrize(("told", "metres", "found"), [("1.75", 1.75, set()), ("175", 1.75, {"height-in-cm"})])
def test_a_height_is_in_m_or_unmistakably_in_cm(told: str, metres: float, found: set[str]) -> None:
    known = derived(PatientSize=told)
    assert known.acquisition.height_m == metres
    assert codes(known) == found
    assert suv_per_activity(known.acquisition, "bsa") == pytest.approx(18_481 / (350e6 * LEFT), rel=5e-5)


@pytest.mark.parametrize(
    ("told", "found"), [("17.5", {"height-unusable"}), ("1750", {"height-unusable"}), ("0", set()), (None, set())]
)
def test_a_height_in_doubt_is_unknown_and_matters_only_to_what_needs_it(told: str | None, found: set[str]) -> None:
    known = derived(PatientSize=told)
    assert unknown(known) == {"height_m": "height-unusable"}
    assert codes(known) == found
    assert suv_factors(known) == pytest.approx([PER_BQ] * 3)
    assert code_of(lambda: suv_per_activity(known.acquisition, "lbm_james")) == "height-unusable"


@pytest.mark.parametrize("told", ["O", None, "X"])
def test_without_a_sex_the_mean_of_both_is_taken_and_said(told: str | None) -> None:
    known = derived(PatientSex=told)
    (finding,) = known.findings
    assert (finding.code, finding.severity) == ("sex-not-told", "info")
    mean_g = 1000 * (56.52 + 51.22) / 2
    assert suv_per_activity(known.acquisition, "lbm_james") == pytest.approx(mean_g / (350e6 * LEFT))
    assert unknown(known) == ({} if told == "O" else {"sex": "sex-missing"})
    assert derived(PatientSex=told, PatientSize=None).findings == ()


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("half-life-unknown", {"RadionuclideHalfLife": "5000", "RadionuclideCodeSequence": []}),
        ("nuclide-contradicts-half-life", {"RadionuclideHalfLife": "4062"}),
    ],
)
def test_without_a_half_life_nothing_can_be_brought_to_one_time(code: str, tags: dict[str, Any]) -> None:
    assert code_of(lambda: derived(**tags)) == code
