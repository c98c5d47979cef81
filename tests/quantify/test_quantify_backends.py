"""A backend per region: the same vessels, stations and voxels by two of them, under the same numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hand_made import AORTA, CAVA, Vessel, scan_of

from petproc.core.metrics import STANDARD
from petproc.quantify import quantify_scan
from petproc.settings import QuantifySettings

DESCENDING, ABDOMINAL, CAROTID = "descending_aorta", "abdominal_aorta", "left_common_carotid"
REFUSAL = {"code": "points-missing", "reason": "No points are set.", "remedy": "Set two."}


def by(backend, *vessels, **changes):
    tables = scan_of(*vessels)
    return replace(tables, sample={**tables.sample, "backend": backend}, **changes)


GENERAL = by("classical", AORTA, CAVA)
OTHER = by("imported", replace(AORTA, radius=14.0), replace(CAVA, blood=5000.0))


def settings(*regions):
    return QuantifySettings(regions=regions)


def of(result, region):
    return [row for row in result.uptake if row.region == region]


def test_a_region_and_the_blood_are_each_measured_from_their_own_backend():
    general, other = (quantify_scan(tables, settings(DESCENDING)) for tables in (GENERAL, OTHER))
    mixed = quantify_scan(replace(GENERAL, of_region={DESCENDING: OTHER}), settings(DESCENDING))
    assert [row.n_voxel for row in mixed.slices] == [row.n_voxel for row in other.slices]
    assert [row.suv_max for row in mixed.slices] == [row.suv_max for row in other.slices]
    blood = [row for row in of(mixed, "superior_vena_cava") if row.metric != "blood_ratio"]
    assert blood == [row for row in of(general, "superior_vena_cava") if row.metric != "blood_ratio"]
    # SUVmax of the second backend's slices over the blood of the first: 4 + 0.2 k over 2.
    assert [row.tbr_max for row in mixed.slices] == [row.tbr_max for row in general.slices]
    swapped = quantify_scan(replace(GENERAL, of_region={"superior_vena_cava": OTHER}), settings(DESCENDING))
    assert np.allclose([row.tbr_max for row in swapped.slices], [row.tbr_max * 0.8 for row in general.slices])


def test_two_stretches_of_one_vessel_may_come_from_two_backends_though_their_station_numbers_collide():
    """Both backends number the aorta's stations 0 to 28: the abdominal ones must not be taken for descending ones."""
    lower = by("imported", Vessel(ABDOMINAL, x=32.0, radius=9.0, hottest={3: 9000.0}))
    mixed = quantify_scan(replace(GENERAL, of_region={ABDOMINAL: lower}), settings(DESCENDING, ABDOMINAL))
    alone = quantify_scan(GENERAL, settings(DESCENDING))
    assert [row for row in mixed.slices if row.region == DESCENDING] == alone.slices
    abdominal = [row for row in mixed.slices if row.region == ABDOMINAL]
    # Radius 9: of the 4 mm lattice the axis and 20 voxels within 8.94 mm.
    assert {row.n_voxel for row in abdominal} == {21}
    assert max(row.tbr_max for row in abdominal) == 9000 / 4000


def test_a_scan_that_one_backend_refused_is_measured_by_the_other():
    refused = by("seeded", AORTA, refusal=REFUSAL, voxels={}, stations={})
    tables = replace(GENERAL, of_region={CAROTID: refused})
    result = quantify_scan(tables, settings(DESCENDING, CAROTID))
    assert {row.status for row in of(result, DESCENDING)} == {"measured"}
    carotid = of(result, CAROTID)
    assert len(carotid) == len(STANDARD)
    assert {(row.status, row.reason) for row in carotid} == {("refused", "points-missing: No points are set. Set two.")}
    assert result.slices == quantify_scan(GENERAL, settings(DESCENDING)).slices


def test_where_the_general_backend_refused_the_regions_of_the_other_are_measured():
    refused = by("classical", AORTA, refusal=REFUSAL, voxels={}, stations={})
    tables = replace(refused, of_region={DESCENDING: OTHER, "superior_vena_cava": OTHER})
    result = quantify_scan(tables, settings(DESCENDING, "aortic_arch"))
    assert of(result, DESCENDING) == of(quantify_scan(OTHER, settings(DESCENDING)), DESCENDING)
    assert {row.reason.split(":")[0] for row in of(result, "aortic_arch")} == {"points-missing"}


def test_every_judged_vessel_names_its_backend():
    result = quantify_scan(replace(GENERAL, of_region={DESCENDING: OTHER}), settings(DESCENDING, "aortic_arch"))
    assert [(row.region, row.backend) for row in result.vessels] == [
        (DESCENDING, "imported"),
        ("aortic_arch", "classical"),
        ("superior_vena_cava", "classical"),
    ]


def test_the_worksheet_and_the_acquisition_are_those_of_the_scan_for_every_backend(make_acquisition):
    later = make_acquisition(injection_time=None)
    mixed = quantify_scan(
        replace(GENERAL, acquisition=later, of_region={DESCENDING: OTHER}), settings(DESCENDING)
    )  # OTHER holds an acquisition with an injection time, which is not the scan's
    assert {row.uptake_min for row in mixed.slices} == {None}


def test_a_carotid_without_its_bifurcation_is_measured_and_not_placed():
    plain = by("seeded", Vessel(CAROTID, x=32.0, radius=5.0), CAVA)
    found = quantify_scan(plain, settings(CAROTID))
    assert {row.arc_mm for row in found.slices} == {None}
    (finding,) = [one for one in found.findings if one.code == "arc-without-landmark"]
    assert "left_common_carotid (left_carotid_bifurcation)" in finding.message
    stations = {**plain.stations, "arc_mm": plain.stations["arc_mm"] - 57.0}  # the bifurcation at its end
    placed = quantify_scan(replace(plain, stations=stations), settings(CAROTID))
    assert [one for one in placed.findings if one.code == "arc-without-landmark"] == []
    assert placed.slices[0].arc_mm == -57.0


def test_a_vessel_without_a_landmark_of_its_own_counts_from_its_first_station():
    tables = by("imported", Vessel("left_iliac", x=32.0, radius=6.0), CAVA)
    found = quantify_scan(tables, settings("left_iliac"))
    assert None not in {row.arc_mm for row in found.slices}
