"""Organs as rows: depth against an exact ball and box, and against the plain distance on a fine grid."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from tubes import StraightTube, acquisition, centres, grid_around, lattice_of, still

from petproc.core.regions import LABEL_NAMES, REGIONS
from petproc.core.results import Segmentation
from petproc.core.tables import DEPTH_QUANTILES, FAR_MM, VOXEL_COLUMNS
from petproc.core.volume import Labels, Volume
from petproc.sample import sample_scan
from petproc.sample.organs import organ_rows
from petproc.settings import SampleSettings

LIVER = REGIONS["liver"].value
RANKS = [512 * q // 100 for q in DEPTH_QUANTILES]


def liver(mask, grid):
    return Labels((LIVER * mask).astype(np.uint8), grid, LABEL_NAMES)


def ball(radius, spacing):
    grid = grid_around([-radius - 3.0] * 3, [radius + 3.0] * 3, spacing, (0.3, -0.2, 0.4))
    return liver(np.linalg.norm(centres(grid), axis=-1) <= radius, grid)


@pytest.fixture
def pet():
    return grid_around([-60.0, -60.0, -60.0], [60.0, 60.0, 60.0], (4.0, 4.0, 3.0))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.98, 0.98, 3.27)])
def test_depth_in_a_ball_is_the_way_to_its_surface(pet, spacing):
    rows = organ_rows(ball(40.0, spacing), "liver", pet, threads=1)
    exact = np.sort(40.0 - np.linalg.norm(rows.mm[::5, None] + lattice_of(pet), axis=-1), axis=1)[:, RANKS]
    off = rows.depth[::5] - exact
    assert np.abs(off.mean(axis=0)).max() < 0.5
    assert np.sqrt((off**2).mean(axis=0)).max() < 0.8


def test_the_rows_are_the_voxels_of_which_at_least_half_lies_in_the_organ(pet):
    rows = organ_rows(ball(40.0, (1.0, 1.0, 1.0)), "liver", pet, threads=1)
    index = np.argwhere(np.ones(pet.shape, bool))
    share = (np.linalg.norm(pet.to_mm(index)[:, None] + lattice_of(pet, 4), axis=-1) <= 40.0).mean(axis=1)
    found = np.zeros(pet.shape, bool)
    found[tuple(rows.index.T)] = True
    inside = found[tuple(index.T)]
    assert inside[share > 0.65].all()
    assert not inside[share < 0.35].any()
    assert len(rows) * pet.voxel_ml == pytest.approx(4 / 3 * np.pi * 4.0**3, rel=0.02)


def test_rows_are_sorted_and_have_neither_station_nor_angle(pet):
    rows = organ_rows(ball(20.0, (2.0, 2.0, 2.0)), "liver", pet, threads=1)
    k, j, i = rows.index.T[::-1]
    key = (k * 1000 + j) * 1000 + i
    assert (np.diff(key) > 0).all()
    assert (rows.station == -1).all()
    assert not rows.angle_deg.any()


def test_where_the_ct_ends_the_organ_ends(pet):
    """A block that fills the grid up to its lower edge, 40 mm in x and y and 30 mm high above z = 0."""
    grid = grid_around([-39.0, -39.0, 1.0], [39.0, 39.0, 49.0], (2.0, 2.0, 2.0))
    mm = centres(grid)
    block = (np.abs(mm[..., 0]) < 20) & (np.abs(mm[..., 1]) < 20) & (mm[..., 2] < 30)
    rows = organ_rows(liver(block, grid), "liver", pet, threads=1)
    middle = (np.abs(rows.mm[:, :2]) < 3).all(axis=1)
    expected = np.minimum(rows.mm[middle, 2], 30 - rows.mm[middle, 2])
    np.testing.assert_allclose(
        rows.median_depth[middle], expected, atol=1.3
    )  # half a voxel of the mask, and the kink in the middle


def test_several_pieces_are_one_organ_each_with_its_own_surface(pet):
    """Two vertebrae with a disc between them: as deep as the plain distance transform on the same grid."""
    grid = grid_around([-30.0] * 3, [30.0] * 3, (1.0, 1.0, 1.0))
    mm = centres(grid)
    bodies = (np.hypot(mm[..., 0], mm[..., 1]) <= 18) & (np.abs(np.abs(mm[..., 2]) - 14.0) <= 10.0)
    rows = organ_rows(liver(bodies, grid), "liver", pet, threads=1)
    plain = distance_transform_edt(bodies)
    at = plain[tuple(np.rint(grid.to_index(rows.mm)).astype(int).T)]
    deep = rows.median_depth > 5
    assert deep.sum() > 50
    assert np.abs(rows.median_depth - at)[deep].max() < 1.0
    assert not (np.abs(rows.mm[:, 2]) < 2).any()


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(pet, threads):
    labels = ball(35.0, (1.0, 1.0, 3.0))
    one, other = (organ_rows(labels, "liver", pet, threads=n) for n in (1, threads))
    np.testing.assert_array_equal(one.depth, other.depth)
    np.testing.assert_array_equal(one.index, other.index)


@pytest.fixture(scope="module")
def abdomen():
    """An aorta of 8 mm radius with an iliac artery, and a liver from 20 mm beside the aorta's axis."""
    grid = grid_around([-50.0, -30.0, -60.0], [70.0, 30.0, 40.0], (1.95, 1.95, 3.0))
    mm = centres(grid)
    aorta = StraightTube(np.array([0.0, 0.0, 30.0]), np.array([0.0, 0.0, -1.0]), 50.0, 8.0)
    iliac = StraightTube(np.array([-7.0, 0.0, -24.0]), np.array([-0.6, 0.0, -0.8]), 30.0, 4.0)
    data = np.zeros(grid.shape, np.uint8)
    data[iliac.inside(mm)] = REGIONS["left_iliac"].value
    data[aorta.inside(mm)] = REGIONS["abdominal_aorta"].value
    data[(mm[..., 0] > 20) & (mm[..., 0] < 60) & (np.abs(mm[..., 1]) < 20) & (np.abs(mm[..., 2]) < 25)] = LIVER
    stations = (*aorta.stations(region="abdominal_aorta"), *iliac.stations("left_iliac", "left_iliac"))
    labels = Labels(data, grid, LABEL_NAMES)
    return Volume(np.full(grid.shape, 40, np.int16), grid, "HU"), Segmentation(labels, stations, "imported")


def sampled(abdomen, segmentation=None, threads=1):
    ct, known = abdomen
    grid = grid_around([-46.0, -28.0, -57.0], [66.0, 26.0, 36.0], (4.0, 4.0, 3.0))
    return sample_scan(
        Volume(np.full(grid.shape, 1000.0, np.float32), grid, "Bq/mL"),
        ct,
        acquisition(grid.shape[2]),
        segmentation or known,
        still(),
        settings=SampleSettings(),
        threads=threads,
        scan="sub-01_ses-baseline",
    )


@pytest.fixture(scope="module")
def table(abdomen):
    return sampled(abdomen)


def columns(table, region, *names):
    at = np.array(table.voxels.column("region").to_pylist()) == region
    return [table.voxels.column(name).to_numpy()[at] for name in names]


def test_organs_stand_in_the_table_beside_vessels_with_their_distance_to_these(table):
    assert list(table.sidecar["rows"]) == ["abdominal_aorta", "left_iliac", "liver"]
    i, station, depth, vessel, heart = columns(
        table, "liver", "i", "station", "depth_p50", "vessel_mm", "myocardium_mm"
    )
    x = -46.0 + 4.0 * i
    assert (station == -1).all()
    assert depth.max() == pytest.approx(20.0, abs=1.5)
    near = np.abs(x - 22.0) < 0.1
    assert vessel[near].min() == pytest.approx(22.0 - 8.0, abs=1.5)
    assert (heart == FAR_MM).all()
    assert "liver" not in table.sidecar["absent"]
    assert table.voxels.schema.names == list(VOXEL_COLUMNS)


def test_where_the_iliac_leaves_the_aorta_neither_is_the_other_s_neighbour(table):
    for region in ("abdominal_aorta", "left_iliac"):
        depth, vessel = columns(table, region, "depth_p50", "vessel_mm")
        assert vessel[depth > 0].min() > 6.0


def test_a_scan_with_organs_alone_is_measured(abdomen):
    _, known = abdomen
    alone = replace(known, labels=liver(known.labels.data == LIVER, known.labels.grid), stations=())
    table = sampled(abdomen, alone)
    assert list(table.sidecar["rows"]) == ["liver"]
    assert (table.voxels.column("vessel_mm").to_numpy() == FAR_MM).all()


def test_the_table_s_bytes_do_not_depend_on_threads(abdomen, table):
    assert sampled(abdomen, threads=3).voxels.equals(table.voxels)
