"""The aorta's parts: one rule for every backend, checked on a candy cane drawn by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import REGIONS
from petproc.core.volume import Volume
from petproc.segment.labelled import from_masks
from petproc.segment.parts import Guides, aortic_landmark, split_aorta

CARINA = (0.0, 0.0, 100.0)


def candy_cane() -> np.ndarray:
    """Up from z = 60 to 110, over the top (z = 140) in a half circle of radius 30, down to z = -100; 1 mm apart."""
    up = np.stack([np.zeros(50), np.full(50, 60.0), np.arange(60.0, 110.0)], axis=1)
    turn = np.linspace(0, np.pi, 95)
    over = np.stack([np.zeros(95), 30 + 30 * np.cos(turn), 110 + 30 * np.sin(turn)], axis=1)
    down = np.stack([np.zeros(210), np.zeros(210), np.arange(109.0, -101.0, -1.0)], axis=1)
    return np.concatenate([up, over, down])


def lung_above(points: np.ndarray, height: float) -> np.ndarray:
    return points[:, 2] > height


def test_the_arch_is_what_lies_more_than_5_mm_above_the_carina():
    points = candy_cane()
    regions = np.array(split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0)))
    assert points[regions == "aortic_arch", 2].min() == 106.0
    assert points[regions == "ascending_aorta", 2].max() == 105.0
    assert points[regions == "descending_aorta", 2].max() == 105.0


def test_the_abdominal_aorta_begins_below_the_last_place_beside_lung():
    points = candy_cane()
    regions = np.array(split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0)))
    assert points[regions == "descending_aorta", 2].min() == 1.0
    assert points[regions == "abdominal_aorta", 2].max() == 0.0


def test_regions_follow_each_other_with_the_flow():
    points = candy_cane()
    regions = split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0))
    assert list(dict.fromkeys(regions)) == ["ascending_aorta", "aortic_arch", "descending_aorta", "abdominal_aorta"]


def test_a_piece_of_descending_aorta_needs_no_carina():
    points = candy_cane()[-150:]
    regions = split_aorta(points, carina=None, lung_beside=lung_above(points, 0.0))
    assert list(dict.fromkeys(regions)) == ["descending_aorta", "abdominal_aorta"]


def test_an_arch_without_a_carina_is_refused():
    points = candy_cane()
    with pytest.raises(Refusal, match="no-carina"):
        split_aorta(points, carina=None, lung_beside=lung_above(points, 0.0))


def test_an_ascending_stump_below_the_carina_is_ascending():
    points = candy_cane()[:40]
    assert set(split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0))) == {"ascending_aorta"}


def test_the_landmark_is_on_the_descending_limb_at_the_height_of_the_carina():
    assert aortic_landmark(candy_cane(), carina=(0.0, 0.0, 100.25)) == pytest.approx((0.0, 0.0, 100.25))


def test_without_the_carina_s_height_in_view_there_is_no_landmark():
    assert aortic_landmark(candy_cane()[-150:], carina=(0.0, 0.0, 100.0)) is None
    assert aortic_landmark(candy_cane(), carina=None) is None


def on_the_wall(points: np.ndarray, *places: int) -> np.ndarray:
    """Where branches leave the aorta's wall, 12 mm outwards from these points of the arch."""
    outwards = points[list(places)] - [0.0, 30.0, 110.0]
    return points[list(places)] + 12.0 * outwards / np.linalg.norm(outwards, axis=1, keepdims=True)


def test_the_arch_runs_from_5_mm_before_the_trunk_to_5_mm_after_the_left_subclavian_whatever_the_carina():
    points = candy_cane()
    trunk, subclavian = on_the_wall(points, 74, 75, 76, 77), on_the_wall(points, 110, 111, 112)
    guides = Guides(brachiocephalic_trunk=trunk, left_subclavian=subclavian)
    for carina in (CARINA, None):
        regions = split_aorta(points, carina=carina, lung_beside=lung_above(points, 0.0), guides=guides)
        arch = [n for n, name in enumerate(regions) if name == "aortic_arch"]
        assert arch == list(range(74 - 4, 112 + 4 + 1))  # points of the arch are 1.003 mm apart


def test_one_branch_gives_its_own_limit_and_the_carina_the_other():
    points = candy_cane()
    guides = Guides(brachiocephalic_trunk=points[70:75])
    regions = np.array(split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0), guides=guides))
    assert np.flatnonzero(regions == "aortic_arch")[0] == pytest.approx(70 - 5, abs=1)
    assert points[regions == "descending_aorta", 2].max() == 105.0
    with pytest.raises(Refusal, match="no-carina"):
        split_aorta(points, carina=None, lung_beside=lung_above(points, 0.0), guides=guides)


def test_the_ascending_aorta_begins_at_the_sinotubular_junction_or_above_the_myocardium():
    points = candy_cane()
    ring = points[20] + np.array([[12.0, 0, 0], [-12.0, 0, 0], [0, 12.0, 0], [0, -12.0, 0]])
    heart = np.array([[40.0, 0.0, 30.0], [40.0, 0.0, 65.0]])
    for guides, lowest in ((Guides(sinotubular_junction=ring), 80.0), (Guides(myocardium=heart), 75.0)):
        regions = np.array(split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0), guides=guides))
        assert regions[0] == ""
        assert points[regions == "ascending_aorta", 2].min() == lowest


def test_the_middle_of_the_twelfth_thoracic_vertebra_is_the_diaphragm_s_height():
    points = candy_cane()
    t12 = np.array([[0.0, -40.0, -10.0], [0.0, -40.0, 20.0]])
    for lung in (lung_above(points, 30.0), np.zeros(len(points), dtype=bool)):
        regions = np.array(split_aorta(points, carina=CARINA, lung_beside=lung, guides=Guides(vertebra_t12=t12)))
        assert points[regions == "descending_aorta", 2].min() == 5.0


def test_a_whole_aorta_without_lung_or_vertebra_is_refused():
    points = candy_cane()
    with pytest.raises(Refusal, match="no-diaphragm"):
        split_aorta(points, carina=CARINA, lung_beside=np.zeros(len(points), dtype=bool))


REPORT = Path(__file__).parents[3] / "shared" / "data" / "ct_vessel_reference" / "aorta_report"


@pytest.mark.skipif(not REPORT.is_dir(), reason="the aorta report of the test data is not here")
@pytest.mark.parametrize("keep", ["whole", "whole without T12", "chest", "abdomen"])
def test_a_reported_aorta_is_split_into_the_volumes_of_its_report(keep):
    """Ascending 43.5 mL from the annulus, arch 25.0, descending 172.0 to the middle of T12; each within 10 %.

    What is cut off leaves the other parts as they are. Without the vertebra the diaphragm is where lung ends beside the
    aorta, of which this CT of the mediastinum shows too little to be found as lungs.
    """
    import nibabel

    images = REPORT / "test_result" / "models"
    names = {"vertebrae_T12": 1, "aorta": 2, "brachiocephalic_trunk": 3, "subclavian_artery_left": 4}
    ct = nibabel.load(images / "ct_cropped.nii.gz")
    grid = Grid(ct.shape, ct.affine)
    data = np.zeros(ct.shape, dtype=np.uint8)
    for name, value in names.items():
        data[np.asarray(nibabel.load(images / f"{name}.nii.gz").dataobj) > 0] = value
    reported = json.loads((REPORT / "example_ct_report" / "aorta_report.json").read_text())["section_stats"]
    wanted = {f"{part}_aorta": reported[f"aorta_{part}"]["volume"] for part in ("ascending", "descending")}
    wanted["aortic_arch"] = reported["aorta_arch"]["volume"]
    if keep == "chest":
        data[:, :, :60] = 0
        del wanted["descending_aorta"]
    elif keep == "whole without T12":
        data[data == 1] = 0
    elif keep == "abdomen":
        data[:, :, 40:] = 0
        wanted = {}
    found = from_masks(
        Volume(np.asarray(ct.dataobj), grid, "HU"),
        data,
        names=dict(
            zip(("vertebra_t12", "aorta", "brachiocephalic_trunk", "left_subclavian"), names.values(), strict=True)
        ),
        backend="imported",
    )
    volume = {name: found.labels.mask(name).sum() * grid.voxel_ml for name in REGIONS}
    for name, millilitres in wanted.items():
        assert volume[name] == pytest.approx(millilitres, rel=0.1), name
    assert (volume["abdominal_aorta"] > 0) == (keep != "chest")
    assert (volume["ascending_aorta"] > 0) == (keep != "abdomen")
    assert {station.region for station in found.stations if station.vessel == "aorta"} >= set(wanted)
