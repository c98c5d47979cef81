"""Intervals from stored depths against vessels that were really moved, sampled and quantified again."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

sys.path.append(str(Path(__file__).parents[1] / "sample"))

from tubes import StraightTube, acquisition, centres, grid_around, still

from petproc.core.grid import Grid
from petproc.core.regions import LABEL_NAMES, REGIONS, SVC
from petproc.core.results import Segmentation
from petproc.core.tables import SHIFT_MM, SHIFTS
from petproc.core.volume import Labels, Volume
from petproc.fragility import columns_needed, fragility_study, variants
from petproc.quantify import ScanTables, columns_read, quantify_scan, station_columns, voxel_columns
from petproc.sample import sample_scan
from petproc.settings import Analysis, SampleSettings

AORTA, CAROTID = "descending_aorta", "left_common_carotid"
ANALYSIS = Analysis.model_validate({"quantify": {"regions": [AORTA, CAROTID], "background": {"region": SVC}}})
DOWN = np.array([0.05, 0.03, -1.0]) / np.linalg.norm([0.05, 0.03, -1.0])
UP = -DOWN
SHAPES = {
    AORTA: StraightTube(np.array([-20.0, 0.0, 18.0]), DOWN, 36.0, 11.0),
    SVC: StraightTube(np.array([30.0, 5.0, 18.0]), DOWN, 36.0, 9.0),
    CAROTID: StraightTube(np.array([-10.0, 45.0, -18.0]), UP, 36.0, 4.0),
}
SURE_MM = 0.05
"""How exact stored depths are: a hot voxel so near to the boundary may be in by the one and out by the other."""
TOLERANCE = 0.01
"""Of a value, for ends of vessels, which do not move."""
ACTIVITY = {AORTA: 9000.0, SVC: 5000.0, CAROTID: 8000.0, "hot": 60000.0, "else": 2500.0}


def masks(larger=0.0):
    """The vessels on a CT of 1 x 1 x 3 mm, wider by `larger` mm."""
    ct = grid_around([-36.0, -16.0, -24.0], [44.0, 54.0, 24.0], (1.0, 1.0, 3.0), (0.3, 0.4, 0.1))
    data, stations = np.zeros(ct.shape, np.uint8), []
    for region, shape in SHAPES.items():
        wider = replace(shape, radius=shape.radius + larger)
        data[wider.inside(centres(ct))] = REGIONS[region].value
        own = shape.stations(REGIONS[region].vessel, region)
        stations += [replace(one, arc_mm=one.arc_mm - 10.0) for one in own]
    return Volume(np.full(ct.shape, 40, np.int16), ct, "HU"), Segmentation(
        Labels(data, ct, LABEL_NAMES), tuple(stations), "imported"
    )


@pytest.fixture(scope="module")
def pet():
    """Vessels blurred, each of one activity, and hot neighbours of 6 mm beside them in the middle half: 1 mm to the
    left of the aorta, 2 mm to the right of the carotid, 1 mm to the right of the vena cava."""
    fine = grid_around([-46.0, -26.0, -12.0], [56.0, 66.0, 12.0], (2.0, 2.0, 3.0))
    mm = centres(fine)
    image = np.full(fine.shape, ACTIVITY["else"])
    for region, shape in SHAPES.items():
        image[shape.depth(mm) >= 0] = ACTIVITY[region]
    middle = np.abs(mm[..., 2]) <= 6.1
    for region, apart, towards in ((AORTA, 1.0, (-1, 0)), (CAROTID, 2.0, (1, 0)), (SVC, 1.0, (1, 0))):
        shape = SHAPES[region]
        along = shape.start + shape.along(mm)[..., None] * shape.direction
        beside = along + (shape.radius + apart + 3.0) * np.array([*towards, 0.0])
        image[(np.linalg.norm((mm - beside)[..., :2], axis=-1) <= 3.0) & middle] = ACTIVITY["hot"]
    blurred = gaussian_filter(image, 6.0 / 2.355 / fine.spacing, mode="nearest")
    coarse = np.ascontiguousarray(blurred[::2, ::2])
    affine = fine.affine.copy()
    affine[:2, :2] *= 2.0
    return Volume(coarse.astype(np.float32), Grid(coarse.shape, affine), "Bq/mL")


def tables(pet, larger=0.0, shift=(0.0, 0.0, 0.0)):
    """What `sample` makes of vessels wider by `larger` mm and moved by `shift` mm."""
    ct, segmentation = masks(larger)
    known = acquisition(pet.grid.shape[2])
    sample = sample_scan(
        pet,
        ct,
        known,
        segmentation,
        still(True, translation=shift),
        settings=SampleSettings(),
        threads=1,
        scan="",
    )
    columns = [*columns_read("p50"), *columns_needed()]
    return ScanTables(
        "01",
        "baseline",
        voxel_columns(sample.voxels.select(columns)),
        station_columns(sample.stations),
        sample.sidecar,
        known,
    )


def values(scan, deeper=0.0, settings=ANALYSIS.quantify):
    """By region and metric, with every depth `deeper` mm."""
    depths = {name: column + np.float32(deeper) for name, column in scan.voxels.items() if name.startswith("depth")}
    scan = replace(scan, voxels={**scan.voxels, **depths})
    return {(row.region, row.metric): row.value for row in quantify_scan(scan, settings).uptake}


@pytest.fixture(scope="module")
def moved(pet):
    """The scan, and values by region and metric of every variant, by what was moved: as it is, and within `SURE_MM`."""
    made = {
        "as measured": tables(pet),
        "boundary 1 mm out": tables(pet, larger=1.0),
        "boundary 1 mm in": tables(pet, larger=-1.0),
        **{f"vessels {SHIFT_MM:g} mm {name}": tables(pet, shift=shift) for name, shift in SHIFTS.items()},
    }
    return made["as measured"], {
        words: [values(scan, deeper) for deeper in (0.0, SURE_MM, -SURE_MM)] for words, scan in made.items()
    }


WORDS = [one.words for one in variants(ANALYSIS.fragility)]


@pytest.mark.parametrize("words", WORDS)
def test_every_variant_gives_what_moving_and_sampling_again_gives(moved, words):
    """Of both vessels and of the blood pool; nearly all to the digit, none beyond what a depth is sure of."""
    scan, brute = moved
    (variant,) = (one for one in variants(ANALYSIS.fragility) if one.words == words)
    found = values(variant.of(scan), settings=variant.under(ANALYSIS.quantify))
    compared = [key for key, value in brute[words][0].items() if value is not None and not key[1].startswith("blood")]
    assert len(compared) >= 14
    for key in [*compared, (SVC, "blood_suv_mean")]:
        assert_within(found[key], [one[key] for one in brute[words]], key)


def assert_within(value, truth, key):
    assert min(truth) * (1 - TOLERANCE) <= value <= max(truth) * (1 + TOLERANCE), (key, value, truth)


def test_hot_neighbours_show_as_brute_force_shows_them(moved):
    """The aorta's stands to its left, the carotid's to its right."""
    scan, brute = moved
    uptake = quantify_scan(scan, ANALYSIS.quantify).uptake
    rows = fragility_study({("01", "baseline"): lambda: scan}, uptake, [], ANALYSIS)
    found = {(row.region, row.metric): row for row in rows}
    for key, row in found.items():
        by_depth = [[brute[words][n][key] for words in ("as measured", *WORDS)] for n in range(3)]
        if None in by_depth[0]:
            assert row.width is None
        else:
            assert_within(row.low, [min(one) for one in by_depth], key)
            assert_within(row.high, [max(one) for one in by_depth], key)
    for region, side, wide in ((AORTA, "left", 0.5), (CAROTID, "right", 0.5)):
        row = found[region, "max_tbr_max"]
        assert row.high_at == f"vessels 2 mm {side}"
        assert row.width > wide


def test_target_and_background_move_together(moved):
    """Where vessels lie further to the right the blood pool is another one too; left where it was, the ratio would be
    off by more than all that separates the stored depths from brute force."""
    _, brute = moved
    right = f"vessels {SHIFT_MM:g} mm right"
    suv, blood = (brute[right][0][key] for key in ((AORTA, "mean_suv_max"), (SVC, "blood_suv_mean")))
    still_blood = brute["as measured"][0][SVC, "blood_suv_mean"]
    assert brute[right][0][AORTA, "mean_tbr_max"] == pytest.approx(suv / blood)
    assert abs(blood / still_blood - 1) > TOLERANCE
