"""Units of every kind become activity, stay the SUV that they are, or are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pet_headers import Change, code_of, codes, derived, suv_factors, unknown
from pydicom.dataset import Dataset

from petproc.core.suv import suv_per_activity

DOSE = 350e6
SIZES = {
    # 70 kg, 175 cm, woman; g or cm2, worked out by hand from the published formulas
    "bw": ("GML", "BW", 70_000.0),
    "lbm_james": ("GML", "LBMJAMES128", 51_220.0),
    "lbm_sugawara": ("GML", "LBM", 51_220.0),
    "lbm_janmahasatian": ("GML", "LBMJANMA", 45_195.0),
    "ibw": ("GML", "IBW", 66_430.0),
    "bsa": ("CM2ML", "BSA", 18_481.0),
}


@pytest.mark.parametrize("variant", SIZES)
def test_suv_is_turned_back_into_activity_at_the_injection(variant: str) -> None:
    units, kind, size = SIZES[variant]
    known = derived(Units=units, SUVType=kind)
    assert known.value_factor == pytest.approx([DOSE / size] * 3, rel=5e-5)
    assert (known.acquisition.unit, known.acquisition.suv_type) == ("Bq/mL", variant)
    assert known.acquisition.decay_reference_time == known.acquisition.injection_time
    assert suv_factors(known, variant) == pytest.approx([1.0] * 3)
    assert codes(known) == set()


def test_a_delivered_lean_suv_gives_the_others_by_the_ratio_of_sizes() -> None:
    known = derived(Units="GML", SUVType="LBMJAMES128")
    assert suv_factors(known) == pytest.approx([70.0 / 51.22] * 3)
    assert suv_factors(known, "bsa") == pytest.approx([18_481 / 51_220] * 3, rel=5e-5)


def test_without_suv_type_it_is_by_body_weight_and_said() -> None:
    known = derived(Units="GML")
    assert suv_factors(known) == pytest.approx([1.0] * 3)
    assert codes(known) == {"suv-type-absent"}
    assert derived(Units="CM2ML").acquisition.suv_type == "bsa"


def test_the_mean_of_both_sexes_stands_for_other() -> None:
    known = derived(Units="GML", SUVType="IBW", PatientSex="O")
    assert known.value_factor[0] == pytest.approx(DOSE / ((72_380 + 66_430) / 2))
    assert codes(known) == {"sex-not-told"}


@pytest.mark.parametrize(
    ("tags", "variant", "unit"),
    [
        ({"RadionuclideTotalDose": None}, "bw", "g/mL"),
        ({"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": None}, "bw", "g/mL"),
        ({"PatientWeight": None}, "bw", "g/mL"),
        ({"PatientSize": None, "SUVType": "LBMJANMA"}, "lbm_janmahasatian", "g/mL"),
        ({"PatientSex": None, "SUVType": "LBM"}, "lbm_sugawara", "g/mL"),
        ({"PatientWeight": None, "Units": "CM2ML", "SUVType": "BSA"}, "bsa", "cm2/mL"),
    ],
)
def test_suv_is_carried_where_it_cannot_be_turned_back(tags: dict[str, Any], variant: str, unit: str) -> None:
    known = derived(**{"Units": "GML", "SUVType": "BW", **tags})
    assert (known.acquisition.unit, known.acquisition.suv_type) == (unit, variant)
    assert known.value_factor == (1.0,) * 3
    assert known.acquisition.decay_reference_time is None
    assert "suv-carried" in codes(known)
    assert suv_per_activity(known.acquisition, variant) == 1.0
    other = "bsa" if variant != "bsa" else "bw"
    assert code_of(lambda: suv_per_activity(known.acquisition, other)) == "suv-carried"


def test_body_weight_and_surface_need_no_sex() -> None:
    for units in ("GML", "CM2ML"):
        assert derived(Units=units, PatientSex=None).acquisition.unit == "Bq/mL"


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("suv-type-contradicted", {"Units": "GML", "SUVType": "BSA"}),
        ("suv-type-contradicted", {"Units": "CM2ML", "SUVType": "BW"}),
        ("suv-type-not-supported", {"Units": "GML", "SUVType": "LBMX"}),
        ("units-not-supported", {"Units": "PROPCNTS"}),
        ("units-not-supported", {"Units": "CPS"}),
        ("units-not-supported", {"Units": "1CM"}),
        ("units-not-supported", {"Units": "PERCENT"}),
        ("units-not-supported", {"Units": None}),
        ("units-not-supported", {"Units": "CNTS"}),
        ("decay-correction-contradicted", {"Units": "GML", "DecayCorrection": "NONE", "CorrectedImage": ["ATTN"]}),
        ("decay-correction-contradicted", {"Units": "CM2ML", "DecayCorrection": "NONE", "CorrectedImage": ["ATTN"]}),
    ],
)
def test_values_that_are_no_uptake_are_refused(code: str, tags: dict[str, Any]) -> None:
    assert code_of(lambda: derived(**tags)) == code


def philips(suv: str | None = None, activity: str | None = None, *, block: int = 0x10, creator: bool = True) -> Change:
    """Counts with the private factors of Philips."""

    def change(one: Dataset, _: int) -> None:
        one.Units, one.Manufacturer = "CNTS", "Philips Medical Systems"
        if creator:
            one.add_new(0x70530000 | block, "LO", "Philips PET Private Group")
        for element, value in ((0x00, suv), (0x09, activity)):
            if value is not None:
                one.add_new(0x70530000 | block << 8 | element, "DS", value)

    return change


PER_BQ = 70_000 / (350e6 * 2 ** (-3600 / 6586.2))
"""SUV of 1 Bq/mL of the tiny PET."""


@pytest.mark.parametrize("found", [{}, {"block": 0x23}, {"creator": False}])
def test_philips_counts_become_suv_by_their_factor(found: dict[str, Any]) -> None:
    known = derived(philips("0.0005", **found))
    assert suv_factors(known) == pytest.approx([0.0005] * 3)
    assert known.acquisition.unit == "Bq/mL"
    assert known.value_factor[0] == pytest.approx(0.0005 * DOSE / 70_000)


@pytest.mark.parametrize("suv", [None, "0", "0.0", "", "-1"])
def test_philips_counts_become_activity_where_the_factor_to_suv_cannot_be_used(suv: str | None) -> None:
    known = derived(philips(suv, "0.5"))
    assert known.value_factor == (0.5,) * 3
    assert suv_factors(known) == pytest.approx([0.5 * PER_BQ] * 3)
    assert known.acquisition.decay_reference_time != known.acquisition.injection_time


@pytest.mark.parametrize("change", [philips("0", "0"), philips("0"), philips("nan"), philips("1e999", "-0.5")])
def test_philips_counts_without_a_usable_factor_are_refused(change: Change) -> None:
    assert code_of(lambda: derived(change)) == "units-not-supported"


def test_a_factor_in_the_block_of_somebody_else_is_not_philips() -> None:
    def other(one: Dataset, k: int) -> None:
        philips("0.0005", creator=False)(one, k)
        one.add_new(0x70530010, "LO", "SOMEBODY ELSE")

    def another_maker(one: Dataset, k: int) -> None:
        philips("0.0005", creator=False)(one, k)
        one.Manufacturer = "Maker"

    assert code_of(lambda: derived(other)) == "units-not-supported"
    assert code_of(lambda: derived(another_maker)) == "units-not-supported"


def test_philips_factors_may_differ_by_slice_and_every_slice_needs_one() -> None:
    def own(one: Dataset, k: int) -> None:
        philips(str(0.0005 * (k + 1)))(one, k)

    def one_without(one: Dataset, k: int) -> None:
        philips("0.0005" if k else None, None)(one, k)

    known = derived(own)
    assert suv_factors(known) == pytest.approx([0.0005, 0.001, 0.0015])
    assert known.card["suv_factor"]["bw"] == pytest.approx([0.0005, 0.001, 0.0015])
    assert code_of(lambda: derived(one_without)) == "units-not-supported"


def test_both_philips_factors_are_compared() -> None:
    agree = derived(philips(str(0.5 * PER_BQ * 1.01), "0.5"))
    assert codes(agree) == set()
    known = derived(philips(str(0.5 * PER_BQ * 1.1), "0.5"))
    assert codes(known) == {"philips-factors-differ"}
    assert suv_factors(known) == pytest.approx([0.55 * PER_BQ] * 3)
    told = {one["source"]: one["suv_bw"] for one in known.card["derivations"]}
    assert told["philips_suv_factor"] == pytest.approx(0.55 * PER_BQ)
    assert told["philips_activity_factor"] == pytest.approx(0.5 * PER_BQ)


def test_the_factor_to_activity_is_taken_where_suv_could_only_be_carried() -> None:
    known = derived(philips("0.0005", "0.5"), PatientWeight=None)
    assert (known.acquisition.unit, known.value_factor) == ("Bq/mL", (0.5,) * 3)
    assert unknown(known) == {"weight_kg": "weight-unusable"}
    assert codes(known) == {"weight-unusable", "philips-suv-factor-not-used"}
    alone = derived(philips("0.0005"), PatientWeight=None)
    assert (alone.acquisition.unit, alone.value_factor) == ("g/mL", (0.0005,) * 3)
    assert suv_factors(alone) == [0.0005] * 3
