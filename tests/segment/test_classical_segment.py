"""The whole classical backend on the phantom's chest, and what it refuses."""

import numpy as np
import pytest

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import AORTA, REGIONS, SVC, regions_of
from petproc.core.results import Segmentation
from petproc.core.volume import Volume
from petproc.phantom import CHEST, PhantomScan, make_scan
from petproc.segment.classical import segment


@pytest.fixture(scope="module")
def chest() -> PhantomScan:
    return make_scan(seed=1, grid=CHEST)


@pytest.fixture(scope="module")
def segmented(chest: PhantomScan) -> Segmentation:
    return segment(chest.ct, scan="sub-01_ses-baseline")


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def test_aorta_and_vena_cava_cover_the_true_ones(chest: PhantomScan, segmented: Segmentation):
    aorta = regions_of(AORTA)
    assert dice(segmented.labels.mask(*aorta), chest.labels.mask(*aorta)) > 0.90
    assert dice(segmented.labels.mask(SVC), chest.labels.mask(SVC)) > 0.75


def test_the_centreline_runs_inside_a_millimetre_of_the_true_one(chest: PhantomScan, segmented: Segmentation):
    for vessel in (AORTA, SVC):
        true = chest.vessels[vessel].points_mm
        stations = [row for row in segmented.stations if row.vessel == vessel]
        places = np.array([[row.x_mm, row.y_mm, row.z_mm] for row in stations])
        away = np.linalg.norm(places[:, None] - true[None], axis=2).min(axis=1)
        assert np.median(away) < 1.0


def test_stations_are_ordered_with_the_flow_and_scored(segmented: Segmentation):
    aorta = [row for row in segmented.stations if row.vessel == AORTA]
    assert [row.station for row in aorta] == list(range(len(aorta)))
    assert list(dict.fromkeys(row.region for row in aorta)) == ["ascending_aorta", "aortic_arch", "descending_aorta"]
    assert all(row.ring_score is not None and row.visible_fraction is not None for row in aorta)
    assert np.median([row.ring_score for row in aorta]) > 0.5
    cava = [row.z_mm for row in segmented.stations if row.vessel == SVC]
    assert cava == sorted(cava, reverse=True)


def test_what_is_not_in_view_is_absent_with_a_reason(segmented: Segmentation):
    assert set(segmented.absent) == {"abdominal_aorta", "inferior_vena_cava"}
    path = {"path_cost", "path_length_mm", "apex_above_carina_mm"}
    assert set(segmented.scores["aortic_arch"]) == {*path, "surroundings_hu"}


def test_labels_and_stations_name_the_same_regions(segmented: Segmentation):
    labelled = {segmented.labels.names[value] for value in np.unique(segmented.labels.data) if value}
    assert labelled == {row.region for row in segmented.stations}
    assert labelled <= set(REGIONS)


STORED = {
    "slices from above, coronal": ((1, 2, 0), (2,)),
    "feet first and prone": ((0, 1, 2), (1, 2)),
    "mirrored, rows for columns": ((1, 0, 2), (0,)),
}
"""Order of the array's axes, and which of them are flipped; the affine says so, and the world stays as it is."""


@pytest.mark.parametrize("name", STORED)
def test_a_ct_stored_otherwise_gives_the_same_masks(name: str, chest: PhantomScan, segmented: Segmentation):
    order, flipped = STORED[name]
    affine = chest.ct.grid.affine.copy()
    for axis in flipped:
        affine[:3, 3] += affine[:3, axis] * (chest.ct.grid.shape[axis] - 1)
        affine[:3, axis] *= -1
    data = np.flip(chest.ct.data, flipped).transpose(order)
    stored = segment(Volume(data, Grid(data.shape, affine[:, [*order, 3]]), "HU"), scan="x")
    back = np.flip(stored.labels.data.transpose(np.argsort(order)), flipped)
    assert (back != segmented.labels.data).sum() <= 0.001 * (back > 0).sum()


def test_arms_beside_the_body_change_no_vessel(chest: PhantomScan, segmented: Segmentation):
    """Two arms with their bones, one of which touches the chest."""
    ct = chest.ct
    body = ct.data > -300
    across = np.flatnonzero(body.any(axis=(1, 2)))
    x, y, _ = np.moveaxis(
        ct.grid.to_mm(np.stack(np.meshgrid(*map(np.arange, ct.grid.shape), indexing="ij"), -1)), -1, 0
    )
    edges = ct.grid.to_mm(np.outer(across[[0, -1]], [1, 0, 0]))[:, 0]
    data = ct.data.copy()
    for edge, gap in zip(edges, (8.0, -2.0), strict=True):
        away = np.hypot(x - edge - np.sign(edge) * (26.0 + gap), y)
        data[(away < 26.0) & ~body] = 50
        data[(away < 9.0) & ~body] = 700
    arms = segment(Volume(data, ct.grid, "HU"), scan="x")
    assert dice(arms.labels.data > 0, segmented.labels.data > 0) > 0.99


def in_view(chest: PhantomScan, low_mm: float, high_mm: float) -> Volume:
    """The slices between two heights over the carina."""
    height = chest.ct.grid.to_mm(np.outer(np.arange(chest.ct.grid.shape[2]), [0, 0, 1]))[:, 2]
    above = height - chest.landmarks["carina"][2]
    kept = np.flatnonzero((above >= low_mm) & (above <= high_mm))
    affine = chest.ct.grid.affine.copy()
    affine[:3, 3] = chest.ct.grid.to_mm([0, 0, kept[0]])
    data = chest.ct.data[:, :, kept[0] : kept[-1] + 1]
    return Volume(data, Grid(data.shape, affine), "HU")


def test_a_ct_that_ends_within_the_arch_gives_the_descending_aorta_and_says_why_not_the_rest(chest: PhantomScan):
    cut = segment(in_view(chest, -110.0, 22.0), scan="x")
    assert cut.landmarks["carina"][2] == pytest.approx(chest.landmarks["carina"][2], abs=3.0)
    assert {row.region for row in cut.stations} == {"descending_aorta"}
    assert "too close above the carina" in cut.absent["aortic_arch"]


def test_an_arch_whose_top_is_cut_off_has_no_visible_wall_there(chest: PhantomScan):
    cut = segment(in_view(chest, -110.0, 30.0), scan="x")
    highest = max((row for row in cut.stations if row.vessel == AORTA), key=lambda row: row.z_mm)
    assert highest.region == "aortic_arch"
    assert highest.visible_fraction is not None
    assert highest.visible_fraction < 0.5


def test_a_ct_from_neck_to_heart_has_the_arch_though_little_of_the_descending_aorta(chest: PhantomScan):
    upper = segment(in_view(chest, -50.0, 80.0), scan="x")
    assert list(dict.fromkeys(row.region for row in upper.stations if row.vessel == AORTA)) == [
        "ascending_aorta",
        "aortic_arch",
        "descending_aorta",
    ]


def test_the_same_image_gives_the_same_bytes_whatever_the_threads(chest: PhantomScan, segmented: Segmentation):
    again = segment(chest.ct, scan="sub-01_ses-baseline", threads=2)
    assert again.labels.data.tobytes() == segmented.labels.data.tobytes()
    assert again.stations == segmented.stations


def volume(data: np.ndarray) -> Volume:
    return Volume(data.astype(np.int16), Grid(data.shape, np.diag([-3.0, -3.0, 3.0, 1.0])), "HU")


def head() -> np.ndarray:
    i, j, k = np.mgrid[:70, :80, :70] * 3.0
    radius = np.sqrt(((i - 105) / 75) ** 2 + ((j - 120) / 95) ** 2 + ((k - 105) / 95) ** 2)
    return np.select([radius < 0.86, radius < 0.93, radius < 1], [35.0, 900.0, 50.0], -1000.0)


NOTHING = {
    "empty": np.full((40, 40, 40), -1000.0),
    "water": np.zeros((40, 40, 40)),
    "noise": np.random.default_rng(0).normal(40, 100, (60, 60, 60)),
    "strong noise": np.random.default_rng(0).normal(40, 300, (60, 60, 80)),
    "head": head(),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_ct_without_an_aorta_is_refused(name: str):
    with pytest.raises(Refusal, match="no-aorta-in-view") as refused:
        segment(volume(NOTHING[name]), scan="sub-01_ses-baseline")
    assert refused.value.scan == "sub-01_ses-baseline"
    assert "imported" in refused.value.remedy


@pytest.mark.parametrize("slices", [1, 3, 19])
def test_a_ct_shorter_than_any_vessel_that_is_followed_is_refused_as_too_little(slices: int):
    with pytest.raises(Refusal, match="too-little-in-view") as refused:
        segment(volume(np.full((40, 40, slices), 40.0)), scan="sub-01_ses-baseline")
    assert f"{slices * 3 // 2 * 2} mm" in refused.value.reason
