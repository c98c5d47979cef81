"""Organs by hand: a ball of liver and a bar of spleen in the hand-made scan, without stations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_made import AORTA, CAVA, scan_of

from petproc.core.measure import ORGAN
from petproc.core.regions import REGIONS
from petproc.quantify import quantify_scan
from petproc.settings import QuantifySettings

LIVER = QuantifySettings(regions=("descending_aorta", "liver"))
SIDE = 12


def with_organ(tables, organ="liver", activity=5000.0, edge=9000.0, size=8):
    """A cube of 12 x 12 x 12 voxels, of which `size` x 12 x 12 lie 10 mm deep at `activity`, the rest at the surface.

    In planes k below 6 the core is 20 % colder, above 20 % hotter.
    """
    i, j, k = (axis.ravel() for axis in np.meshgrid(*[np.arange(SIDE)] * 3, indexing="ij"))
    core = i < size
    part = {
        "region": np.full(len(i), REGIONS[organ].value, np.uint8),
        "i": i,
        "j": j,
        "k": k,
        "activity": np.where(core, activity * np.where(k < 6, 0.8, 1.2), edge),
        "station": np.full(len(i), -1, np.int16),
        "angle_deg": np.zeros(len(i)),
    }
    depth = np.where(core, 10.0, 9.9)
    part |= {name: depth for name in tables.voxels if name.startswith("depth_")}
    part |= {name: np.full(len(i), 100.0) for name in ("vessel_mm", "myocardium_mm", "lung_mm")}
    return replace(tables, voxels={name: np.concatenate([tables.voxels[name], part[name]]) for name in tables.voxels})


def organ_rows(tables, settings=LIVER, organ="liver"):
    return {row.metric: row for row in quantify_scan(tables, settings).uptake if row.region == organ}


def codes(tables, settings=LIVER):
    return [one.code for one in quantify_scan(tables, settings).findings if "liver" in one.code]


def test_the_core_of_an_organ_is_measured_as_a_whole(scan):
    # 8 x 12 x 12 voxels of 0.048 mL, half of 4000 and half of 6000 Bq/mL; SUV = activity / 2000; blood 4000.
    found = organ_rows(with_organ(scan))
    assert list(found) == list(ORGAN)
    assert found["organ_suv_mean"].value == pytest.approx(2.5)
    assert found["organ_suv_max"].value == pytest.approx(3.0)
    assert found["organ_to_blood"].value == pytest.approx(1.25)
    half = np.repeat([4000.0, 6000.0], 576)
    assert found["organ_cov"].value == pytest.approx(half.std(ddof=1) / 5000)
    row = found["organ_to_blood"]
    assert (row.n_slice, row.n_voxel, row.volume_ml) == (0, 1152, pytest.approx(1152 * 0.048))
    assert (row.background_region, row.background_suv) == ("superior_vena_cava", pytest.approx(2.0))
    assert found["organ_suv_mean"].background_region is None


def test_an_organs_uptake_time_is_that_of_its_planes(scan):
    # Planes 0 to 9 at 120 min, 10 and 11 at 124 min.
    assert organ_rows(with_organ(scan))["organ_cov"].uptake_min == pytest.approx(120 + 4 * 2 / 12)


def test_an_organ_has_no_slices_and_no_metric_of_a_vessel(scan):
    plain, more = quantify_scan(scan, LIVER), quantify_scan(with_organ(scan), LIVER)
    assert [row for row in more.slices if row.region == "liver"] == []
    assert more.slices == plain.slices
    assert [row for row in more.uptake if row.region != "liver"] == [r for r in plain.uptake if r.region != "liver"]


def test_how_deep_the_core_begins_is_a_setting_for_each_organ(scan):
    deeper = LIVER.model_copy(update={"organ_depth_min_mm": {"liver": 9.0}})
    # All of the cube: 1152 voxels of 5000 on the average and 576 of 9000.
    assert organ_rows(with_organ(scan), deeper)["organ_suv_mean"].value == pytest.approx(19 / 6)
    spleen = QuantifySettings(regions=("spleen",), organ_depth_min_mm={"liver": 99.0})
    assert organ_rows(with_organ(scan, "spleen"), spleen, "spleen")["organ_suv_mean"].n_voxel == 1728  # 8 mm


def test_without_dose_or_blood_an_organ_keeps_what_does_not_need_them(scan, make_acquisition):
    tables = with_organ(scan)
    no_dose = organ_rows(replace(tables, acquisition=make_acquisition(weight_kg=None)))
    assert {name for name, row in no_dose.items() if row.value is None} == {"organ_suv_mean", "organ_suv_max"}
    assert no_dose["organ_to_blood"].value == pytest.approx(1.25)
    no_blood = organ_rows(with_organ(scan_of(AORTA, replace(CAVA, radius=5.0))))
    assert {name for name, row in no_blood.items() if row.value is None} == {"organ_to_blood"}
    assert no_blood["organ_to_blood"].reason.startswith("background-refused: ")


def test_an_organ_that_is_not_there_is_absent_with_the_words_of_the_segmentation(scan):
    assert {row.reason.split(". ")[0] for row in organ_rows(scan).values()} == {"absent: No liver: it is not segmented"}
    told = replace(scan, sample={**scan.sample, "absent": {"liver": "the CT ends above it."}})
    result = quantify_scan(told, LIVER)
    (row,) = [row for row in result.vessels if row.region == "liver"]
    assert (row.status, row.length_mm) == ("absent", None)
    assert row.reason.startswith("absent: No liver: the CT ends above it. ")


def test_an_organ_of_which_too_little_is_seen_needs_review(scan):
    # 1 x 12 x 12 voxels of 0.048 mL are 6.9 mL; at a depth of which nothing is left, none.
    assert organ_rows(with_organ(scan, size=1))["organ_cov"].status == "measured"
    result = quantify_scan(with_organ(scan, size=0), LIVER)
    (row,) = [row for row in result.vessels if row.region == "liver"]
    assert row.status == "needs_review"
    assert row.reason.startswith("organ-too-small: Only 0.00 mL of liver lie 10 mm under its surface; 5 mL")
    assert {line.reason for line in result.uptake if line.region == "liver"} == {row.reason}


def test_a_measured_organ_is_accepted_without_a_length(scan):
    (row,) = [row for row in quantify_scan(with_organ(scan), LIVER).vessels if row.region == "liver"]
    assert (row.status, row.reason, row.length_mm, row.radius_mm) == ("accepted", None, None, None)


@pytest.mark.parametrize(
    ("suv", "expected"),
    [
        (0.99, ["liver-suv-implausible"]),
        (1.01, ["liver-suv-unusual"]),
        (1.29, ["liver-suv-unusual"]),
        (1.31, []),
        (2.99, []),
        (3.01, ["liver-suv-unusual"]),
        (4.01, ["liver-suv-implausible"]),
    ],
)
def test_a_liver_outside_its_usual_suv_is_noticed(scan, suv, expected):
    tables = with_organ(scan, activity=suv * 2000.0)
    found = [code for code in codes(tables) if "suv" in code]
    assert found == expected
    by_surface = LIVER.model_copy(update={"suv": "bsa"})
    assert [code for code in codes(tables, by_surface) if "suv" in code] == []


def test_a_noisy_liver_is_noticed(scan):
    # Half 20 % below and half 20 % above: COV 20.01 % (n - 1).
    assert "liver-very-noisy" in codes(with_organ(scan))
    calm = with_organ(scan)
    activity = calm.voxels["activity"].copy()
    own = calm.voxels["region"] == REGIONS["liver"].value

    def noise(fraction):
        activity[own] = 5000.0 * (1.0 + fraction * (-1.0) ** np.arange(own.sum()))
        return [code for code in codes(replace(calm, voxels={**calm.voxels, "activity": activity})) if "noisy" in code]

    assert noise(0.149) == []
    assert noise(0.151) == ["liver-noisy"]
    assert noise(0.199) == ["liver-noisy"]
    assert noise(0.201) == ["liver-very-noisy"]


def test_spleen_and_marrow_have_no_limits_of_the_liver(scan):
    settings = QuantifySettings(regions=("spleen",))
    assert codes(with_organ(scan, "spleen", activity=20000.0), settings) == []
