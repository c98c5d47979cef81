"""SUV variants, the worksheet and what is noticed of the preparation; by hand, where SUVbw is activity / 2000."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hand_made import AORTA, CAVA, scan_of
from hypothesis import given
from hypothesis import strategies as st

from petproc.core.acquisition import Unknown
from petproc.core.metrics import METRICS
from petproc.core.suv import VARIANTS
from petproc.core.tables import WorksheetRow
from petproc.quantify import quantify_scan
from petproc.settings import QuantifySettings

REGION = "descending_aorta"
EMPTY = WorksheetRow("01", "baseline", *(None,) * 11)


def settings(variant="bw"):
    return QuantifySettings(regions=(REGION,), suv=variant)


def entered(scan, **cells):
    return replace(scan, worksheet=replace(EMPTY, **cells))


def rows(scan, variant="bw"):
    """By metric; all but the second site, which this scan does not have."""
    uptake = quantify_scan(scan, settings(variant)).uptake
    return {row.metric: row for row in uptake if row.metric != "blood_ratio"}


def codes(scan, variant="bw"):
    return [finding.code for finding in quantify_scan(scan, settings(variant)).findings]


def is_suv(metric):
    return metric == "blood_suv_mean" or (metric in METRICS and METRICS[metric].unit == "g/mL")


# SUV of blood is 2 by body weight (70 kg, 1.75 m, man); by size in place of 70,000 g:
BLOOD = {
    "bw": (2.0, "g/mL"),
    "lbm_james": (2.0 * 56.52 / 70, "g/mL"),
    "lbm_janmahasatian": (2.0 * 55.86 / 70, "g/mL"),
    "lbm_sugawara": (2.0 * (1.10 * 70 - 120 * 0.4**2) / 70, "g/mL"),
    "ibw": (2.0 * (48 + 1.06 * 23) / 70, "g/mL"),
    "bsa": (2.0 * 18481 / 70000, "cm2/mL"),
}


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_the_variant_of_the_settings_is_measured_and_names_its_unit(scan, variant):
    found = rows(scan, variant)
    value, unit = BLOOD[variant]
    assert found["blood_suv_mean"].value == pytest.approx(value, rel=2e-4)
    assert {row.unit for name, row in found.items() if is_suv(name)} == {unit}
    assert found["mean_tbr_max"].background_suv == pytest.approx(value, rel=2e-4)
    assert found["active_length"].unit == "mm"


@given(variant=st.sampled_from(sorted(VARIANTS)), weight=st.floats(40, 110), sex=st.sampled_from(["M", "F", "O"]))
def test_no_variant_weight_or_sex_moves_a_ratio(variant, weight, sex):
    scan = scan_of(AORTA, CAVA)
    plain, other = rows(scan), rows(entered(scan, weight_kg=weight, sex=sex), variant)
    for name, row in plain.items():
        if not is_suv(name):
            assert other[name].value == pytest.approx(row.value, rel=1e-12)


def test_a_corrected_weight_raises_suv_by_as_much_and_leaves_every_ratio(scan):
    before, after = rows(scan), rows(entered(scan, weight_kg=77.0))
    for name, row in before.items():
        assert after[name].value == pytest.approx(row.value * (1.1 if is_suv(name) else 1.0), rel=1e-12)


def test_a_corrected_injection_moves_uptake_time_and_leaves_the_reference(scan):
    after = quantify_scan(entered(scan, injection_time="09:30"), settings())
    assert [row.uptake_min for row in after.slices] == [94.0] * 10 + [90.0] * 10
    # ADMIN: the PET stays valid at 9:00; 140 MBq injected at 9:30 would have been more at 9:00, so SUV is less.
    blood = next(row.value for row in after.uptake if row.metric == "blood_suv_mean")
    assert blood == pytest.approx(2.0 * 2 ** (-30 * 60 / 6586.2), rel=1e-12)


def test_inputs_tell_the_source_of_every_value(scan):
    inputs = quantify_scan(entered(scan, weight_kg=77.0, source="nurse"), settings()).inputs
    assert [row.quantity for row in inputs] == sorted(row.quantity for row in inputs)
    told = {row.quantity: (row.value, row.source, row.rejected) for row in inputs}
    assert told["weight_kg"] == ("77.0", "worksheet", "tag: 70.0")
    assert told["height_m"] == ("1.75", "tag", None)
    assert "nurse" not in str(inputs)


def test_a_scan_refused_before_anything_was_known_has_inputs_that_say_why(scan):
    refusal = {"code": "pet-truncated", "reason": "Slice 12 is missing.", "remedy": "Send the series again."}
    result = quantify_scan(replace(scan, refusal=refusal, acquisition=None, voxels={}, stations={}), settings())
    assert {(row.value, row.source, row.reason.split(":")[0]) for row in result.inputs} == {
        (None, "none", "pet-truncated")
    }
    known = quantify_scan(replace(scan, refusal=refusal, voxels={}, stations={}), settings())
    assert {row.quantity: row.value for row in known.inputs}["weight_kg"] == "70.0"


def test_what_ingest_could_not_know_is_the_reason_of_every_suv(scan, make_acquisition):
    why = Unknown("injected_activity_bq", "dose-implausible", "RadionuclideTotalDose (0018,1074) is 2e20.", "Enter it.")
    acquisition = make_acquisition(injected_activity_bq=None, unknown=(why,))
    for name, row in rows(replace(scan, acquisition=acquisition)).items():
        assert (row.value is None) == is_suv(name)
        assert row.value is not None or row.reason.startswith("dose-implausible: RadionuclideTotalDose")
    settled = rows(entered(replace(scan, acquisition=acquisition), dose_mbq=140.0))
    assert settled["blood_suv_mean"].value == pytest.approx(2.0)


def test_a_worksheet_that_contradicts_the_scan_costs_the_suv_and_no_ratio(scan):
    for name, row in rows(entered(scan, injection_time="2026-01-01T11:01")).items():
        assert (row.value is None) == is_suv(name)
        assert row.uptake_min is None
        assert row.value is not None or row.reason.startswith("worksheet-injection-implausible: ")


def test_a_pet_carried_as_suv_has_its_own_variant_and_every_ratio(scan, make_acquisition):
    acquisition = make_acquisition(unit="cm2/mL", suv_type="bsa", injected_activity_bq=None)
    carried = replace(
        scan, acquisition=acquisition, voxels={**scan.voxels, "activity": scan.voxels["activity"] / 4000.0}
    )
    own, other, plain = rows(carried, "bsa"), rows(carried, "bw"), rows(scan)
    assert (own["blood_suv_mean"].value, own["blood_suv_mean"].unit) == (pytest.approx(1.0), "cm2/mL")
    assert other["blood_suv_mean"].reason.startswith("suv-carried: ")
    for name, row in plain.items():
        if not is_suv(name):
            assert own[name].value == pytest.approx(row.value, rel=1e-6)
            assert other[name].value == pytest.approx(row.value, rel=1e-6)
        else:
            assert other[name].value is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"glucose_mmol_l": 7.0, "fasting_h": 6.0}, []),
        ({"glucose_mmol_l": 7.1}, ["glucose-high"]),
        ({"glucose_mmol_l": 11.0}, ["glucose-high"]),
        ({"glucose_mmol_l": 11.1}, ["glucose-very-high"]),
        ({"fasting_h": 5.9}, ["fasting-short"]),
        ({"fasting_h": 4.0}, ["fasting-short"]),
        ({"fasting_h": 3.9}, ["fasting-very-short"]),
    ],
)
def test_glucose_and_fasting_are_judged_by_their_limits(scan, cells, expected):
    assert [code for code in codes(entered(scan, **cells)) if code.startswith(("glucose", "fasting"))] == expected


@pytest.mark.parametrize(("dose_mbq", "noticed"), [(174.0, True), (175.0, False), (350.0, False), (351.0, True)])
def test_a_dose_outside_2_5_to_5_mbq_per_kg_is_noticed(scan, dose_mbq, noticed):
    assert ("dose-per-kg-unusual" in codes(entered(scan, dose_mbq=dose_mbq))) == noticed


@pytest.mark.parametrize(("variant", "noticed"), [("bw", False), ("bsa", False), ("lbm_james", True), ("ibw", True)])
def test_a_sex_not_told_is_noticed_where_the_size_depends_on_it(scan, make_acquisition, variant, noticed):
    for sex in ("O", None):
        unsexed = replace(scan, acquisition=make_acquisition(sex=sex))
        assert ("sex-unknown-mean-taken" in codes(unsexed, variant)) == noticed
    assert "sex-unknown-mean-taken" not in codes(scan, variant)


@pytest.mark.parametrize(
    ("variant", "weight_kg", "noticed"),
    # men of 171 cm: 1.10 H2 / 256 = 125.6 kg by James; 1.10 H2 / 240 = 134.0 kg as Sugawara quotes it
    [("lbm_james", 124.0, False), ("lbm_james", 127.0, True), ("lbm_sugawara", 127.0, False),
     ("lbm_sugawara", 136.0, True), ("lbm_janmahasatian", 200.0, False), ("bw", 200.0, False), ("bsa", 200.0, False)],
)  # fmt: skip
def test_a_lean_mass_past_its_turning_point_is_noticed(scan, variant, weight_kg, noticed):
    found = codes(entered(scan, weight_kg=weight_kg, height_cm=171.0), variant)
    assert ("lean-mass-turned-over" in found) == noticed


def test_an_uptake_time_outside_90_to_150_min_is_noticed_with_its_regions(scan):
    def noticed(start):
        result = quantify_scan(entered(scan, injection_time=start), settings())
        return [finding.message for finding in result.findings if finding.code == "uptake-time-unusual"]

    assert noticed("09:30") == []  # 90 to 94 min
    (words,) = noticed("10:00")  # 62 min in the aorta, on the average
    assert "descending_aorta" in words
    assert words.startswith("Imaged 6")
