"""Organs at two visits: change without matching, never an index vessel; and what the liver tells of a pair."""

from __future__ import annotations

import pytest

from petproc.compare import compare_study
from petproc.core.errors import Refusal
from petproc.core.measure import BLOOD_RATIO, ORGAN
from petproc.core.metrics import METRICS
from petproc.core.tables import ScanRow, SliceRow, UptakeRow
from petproc.settings import CompareSettings, QuantifySettings, Settings

SCANS = [ScanRow("01", session, "FDG", "1", "2", "yes", "") for session in ("baseline", "followup")]
AORTA, CAVA = "descending_aorta", "superior_vena_cava"


def row(session, region, metric, value, **changes):
    known = {
        "unit": "1",
        "n_slice": 0,
        "n_voxel": 500,
        "volume_ml": 30.0,
        "background_region": None,
        "background_suv": None,
        "uptake_min": 120.0,
        "status": "refused" if value is None else "measured",
        "reason": None,
    }
    return UptakeRow("01", session, region, metric, value, **{**known, **changes})


def liver(before, after, *, cov=(0.10, 0.10), region="liver"):
    values = zip(("baseline", "followup"), (before, after), cov, strict=True)
    return [
        row(session, region, name, value)
        for session, suv, noise in values
        for name, value in (
            ("organ_suv_mean", suv),
            ("organ_suv_max", 1.5 * suv),
            ("organ_to_blood", suv / 1.6),
            ("organ_cov", noise),
        )
    ]


def compare(uptake, slices=(), *, regions=("liver",), suv="bw"):
    quantify = QuantifySettings(regions=regions, suv=suv)
    return compare_study(slices, uptake, SCANS, settings=CompareSettings(), quantify=quantify)


def codes(compared):
    return [finding.code for finding in compared.findings["01"]]


def test_the_change_of_an_organ_is_taken_from_both_visits_as_they_are():
    compared = compare(liver(2.0, 2.2))
    found = {line.metric: line for line in compared.change if line.region == "liver"}
    assert list(found) == list(ORGAN)
    mean = found["organ_suv_mean"]
    assert (mean.baseline, mean.follow_up, mean.matched_mm, mean.index_vessel) == (2.0, 2.2, None, False)
    assert (mean.change, mean.percent_change) == (pytest.approx(0.2), pytest.approx(10.0))
    assert found["organ_to_blood"].change == pytest.approx(0.125)
    assert not [line for line in compared.change if line.region == "liver" and line.metric in METRICS]


def test_an_organ_that_a_visit_lacks_is_refused_with_its_reason():
    uptake = liver(2.0, 2.2)[:4]
    uptake += [row("followup", "liver", name, None, reason="absent: not in view.") for name in ORGAN]
    found = [line for line in compare(uptake).change if line.region == "liver"]
    assert {(line.status, line.reason) for line in found} == {("refused", "followup: absent: not in view.")}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (2.0, 2.4, []),
        (2.0, 2.41, ["liver-suv-differs"]),  # 20.5 %
        (2.0, 1.59, ["liver-suv-differs"]),
        (3.0, 3.5, []),
        (3.0, 3.51, ["liver-suv-differs"]),  # 0.51 g/mL, 17 %
        (2.0, 3.1, ["liver-suv-differs"]),
        (2.0, 3.11, ["liver-change-implausible"]),
        (2.5, 1.59, ["liver-change-implausible"]),
    ],
)
def test_a_liver_that_changes_is_noticed_by_how_much(before, after, expected):
    assert codes(compare(liver(before, after))) == expected


def test_limits_of_the_liver_are_those_of_body_weight_and_of_no_other_organ():
    assert codes(compare(liver(2.0, 3.5), suv="lbm_james")) == []
    assert codes(compare(liver(2.0, 3.5, region="spleen"), regions=("spleen",))) == []


@pytest.mark.parametrize(
    ("cov", "noticed"), [((0.10, 0.12), False), ((0.10, 0.121), True), ((0.121, 0.10), True), ((0.10, None), False)]
)
def test_a_ratio_of_noise_above_1_2_is_a_warning_for_every_row(cov, noticed):
    compared = compare(liver(2.0, 2.0, cov=cov))
    assert ("noise-differs" in codes(compared)) == noticed
    own = [line for line in compared.change if line.region == "liver"]
    assert all(("noise-differs" in (line.findings or "")) == noticed for line in own)


def test_the_second_site_of_a_blood_pool_never_divides_a_vessel_that_is_a_pool_itself():
    """The vena cava as a target: 4.0 over its own pool of 2.0, though its blood was checked against 1.0 elsewhere."""
    slices, uptake = [], []
    for session in ("baseline", "followup"):
        slices += [
            SliceRow("01", session, CAVA, n + 1, n, 5.0 * n, 9, 1.0, 1.0, 120.0, 4.0, 4.0, 2.0, 2.0, 0, 0, 0, 5.0,
                     None, True, None)
            for n in range(3)
        ]  # fmt: skip
        uptake.append(row(session, CAVA, BLOOD_RATIO, 2.0, background_region=AORTA, background_suv=1.0))
        uptake += [
            row(session, CAVA, name, 2.0, background_region=CAVA, background_suv=2.0 if one.needs_background else None)
            for name, one in METRICS.items()
        ]
    found = compare(uptake, slices, regions=(CAVA,)).change
    (mean,) = [line for line in found if line.region == CAVA and line.metric == "mean_tbr_max"]
    assert (mean.baseline, mean.follow_up) == (2.0, 2.0)


def test_an_organ_is_refused_as_index_candidate_and_as_blood_pool_in_words():
    with pytest.raises(Refusal, match="liver: an organ, not a vessel; the index vessel is chosen among vessels"):
        Settings.of({"analyses": {"primary": {"compare": {"index_candidates": ["ascending_aorta", "liver"]}}}})
    with pytest.raises(Refusal, match="spleen: an organ, not a vessel; blood is measured in the lumen"):
        Settings.of({"analyses": {"primary": {"quantify": {"background": {"region": "spleen"}}}}})
    with pytest.raises(Refusal, match="aortic_arch is no organ"):
        Settings.of({"analyses": {"primary": {"quantify": {"organ_depth_min_mm": {"aortic_arch": 3.0}}}}})
