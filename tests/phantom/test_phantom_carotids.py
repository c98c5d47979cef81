"""Carotids and jugular veins of the phantom against volumes, formulas and the images themselves."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from petproc.core.grid import Grid
from petproc.core.regions import CAROTIDS, LANDMARKS, REGIONS
from petproc.core.tables import PointRow
from petproc.io import read_rows
from petproc.phantom import CHEST, PhantomGrid, write_trial
from petproc.phantom.canvas import Canvas
from petproc.phantom.person import draw_person, draw_visit
from petproc.phantom.reader import points
from petproc.phantom.scan import make_ct, make_parts
from petproc.phantom.scanner import PSF_FWHM_MM, centres, kernel_operator, psf_sigma, resampled
from petproc.phantom.shapes import Tube, tube
from petproc.phantom.space import Lattice, Pose
from petproc.phantom.trial import READER_POINTS
from petproc.phantom.truth import TrueChangeRow
from petproc.phantom.vessels import rounded
from petproc.reference import measure, slices_of

NECK = PhantomGrid((200, 200, 76), (2.0, 2.0, 3.0), (96, 96, 76), (4.0, 4.0, 3.0), 180.0)
JUGULARS = ("left_internal_jugular", "right_internal_jugular")


@pytest.fixture(scope="module")
def parts():
    person = draw_person(1, 1)
    return make_parts(person, draw_visit(person, "baseline", 1), NECK, seed=1, ct_noise_hu=None)


@pytest.fixture(scope="module")
def scan(parts):
    return parts.scan(1.0, 0.0)


def volume_ml(vessel, top_mm: float = np.inf) -> float:
    """Of a vessel's region up to a height."""
    here = (vessel.region != "") & (vessel.points_mm[:, 2] <= top_mm)
    return float((np.pi * vessel.radius_mm[here] ** 2).sum() * np.median(np.diff(vessel.arc_mm)) / 1000.0)


@pytest.mark.parametrize("side", CAROTIDS)
def test_arc_length_is_zero_at_the_bifurcation_and_negative_before(scan, side: str):
    vessel = scan.vessels[side]
    arc = vessel.arc_mm[vessel.region == side]
    assert arc[-1] == 0.0
    assert 40 < -arc[0] < 110
    assert vessel.points_mm[vessel.arc_mm == 0.0][0] == pytest.approx(scan.landmarks[LANDMARKS[side]])


def test_the_left_carotid_begins_two_centimetres_above_the_arch(parts, scan):
    left = scan.vessels["left_common_carotid"]
    start = parts.anatomy.canvas.lattice.pose.to_body(left.points_mm[left.region != ""][:1])
    assert parts.anatomy.vessels["aorta"].tube.nearest(start)[0][0] == pytest.approx(20.0, abs=3.0)


@pytest.mark.parametrize("side", CAROTIDS)
def test_radius_and_wall_are_those_of_carotids(scan, side: str):
    person = draw_person(1, 1)
    radius = scan.vessels[side].radius_mm[scan.vessels[side].region == side]
    assert 3.2 <= radius.min() <= radius.max() <= 4.5
    assert 1.0 <= person.walls[side].thickness_mm <= 1.5


@pytest.mark.parametrize("name", [*CAROTIDS, *JUGULARS])
def test_labels_hold_what_the_radius_says(scan, name: str):
    """As well as counting pixels of 2 mm can."""
    top = scan.labels.grid.to_mm(np.subtract(scan.labels.grid.shape, 0.5))[2]
    labelled = scan.labels.mask(name).sum() * scan.labels.grid.voxel_ml
    assert labelled == pytest.approx(volume_ml(scan.vessels[name], top), rel=0.06)


@pytest.mark.parametrize("side", CAROTIDS)
def test_shares_of_pet_voxels_add_up_to_the_vessel(parts, scan, side: str):
    covered = parts.geometry.coverage[side].sum(dtype=float) * NECK.pet_grid().voxel_ml
    assert covered == pytest.approx(volume_ml(scan.vessels[side]), rel=0.02)


@pytest.mark.parametrize("side", CAROTIDS)
def test_no_slice_of_a_carotid_vanishes(parts, scan, side: str):
    vessel = scan.vessels[side]
    heights = NECK.pet_grid().to_index(vessel.points_mm[vessel.region == side])[:, 2]
    planes = {entry.pet_k for entry in slices_of(side, parts.geometry, NECK.pet_grid())}
    assert set(range(int(np.ceil(heights.min())), int(np.floor(heights.max())) + 1)) <= planes


@pytest.mark.parametrize("side", CAROTIDS)
def test_the_perfect_reader_finds_about_the_uptake_that_was_meant(parts, side: str):
    """Hot spots raise it, voxels beside the axis lower it."""
    found = measure(parts.pet(1.0), parts.geometry, parts.acquisition).vessels[side]["mean_tbr_max"]
    assert found == pytest.approx(parts.person.target_tbr[side], rel=0.15)


def test_twice_the_wall_is_twice_the_uptake_of_aorta_and_carotids(parts):
    for region in ("ascending_aorta", *CAROTIDS):
        inside = parts.geometry.coverage[region] >= 0.5
        added = (parts.pet(2.0).data - parts.pet(1.0).data)[inside]
        assert added == pytest.approx(parts.wall[inside], rel=1e-3, abs=1.0)
        assert added.min() > 0


@pytest.mark.parametrize("name", JUGULARS)
def test_jugular_veins_lie_beside_the_carotids_with_fat_between(scan, name: str):
    carotid = scan.vessels[name.replace("internal_jugular", "common_carotid")]
    vein = scan.vessels[name]
    assert 5.0 <= vein.radius_mm.min() <= vein.radius_mm.max() <= 7.5
    high = carotid.points_mm[(carotid.region != "") & (carotid.points_mm[:, 2] > 100)]
    low = vein.points_mm[:, None]
    gaps = np.linalg.norm(low - high, axis=2).min(axis=0) - carotid.radius_mm.max() - vein.radius_mm.max()
    assert 0.5 < gaps.min() < 8.0


@pytest.mark.parametrize("name", [*CAROTIDS, *JUGULARS])
def test_they_are_blood_on_the_ct(scan, name: str):
    vessel = scan.vessels[name]
    middle = vessel.points_mm[np.flatnonzero(vessel.region)[len(np.flatnonzero(vessel.region)) // 2]]
    i, j, k = np.rint(scan.ct.grid.to_index(middle)).astype(int)
    assert scan.ct.data[i, j, k] == pytest.approx(42, abs=12)


@pytest.mark.parametrize(("radius", "wall"), [(3.2, 1.0), (3.7, 1.25), (4.5, 1.5)])
def test_a_thin_round_wall_reads_what_its_discs_say(radius: float, wall: float):
    """On the axis a disc has the share 1 - exp(-r^2 / 2 s^2), with 2 s^2 = FWHM^2 / (4 ln 2)."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -20.0, -20.7, -20.0
    lattice = Lattice(Grid((21, 21, 21), affine), Pose(1.0, 0.0, (0.0, 0.0, 0.0)))
    canvas = Canvas(lattice)
    line = np.stack([np.zeros(161), np.zeros(161), np.linspace(-40, 40, 161)], axis=1)

    def share(r: float) -> np.ndarray:
        image = np.zeros(lattice.grid.shape, np.float32)
        box, distance = tube(lattice, rounded(Tube(line, np.full(161, r)), canvas), reach=8.0)
        image[box] = canvas.occupancy(distance)
        return image

    disc, lumen = share(radius), share(radius - wall)
    image = 0.2 * (1 - disc) + lumen + 7.0 * (disc - lumen)
    point, sigma = Grid((1, 1, 1), np.eye(4)), psf_sigma(lattice.grid)
    along = (kernel_operator(centres(lattice.grid, a), centres(point, a), "gauss", sigma[a]) for a in range(3))
    reading = resampled(image.astype(np.float32), tuple(along))[0, 0, 0]
    outer, inner = (1 - exp(-4 * log(2) * r**2 / PSF_FWHM_MM**2) for r in (radius, radius - wall))
    assert reading == pytest.approx(0.2 * (1 - outer) + inner + 7.0 * (outer - inner), rel=0.015)


def test_where_the_images_end_below_the_neck_there_are_none():
    person = draw_person(1, 1)
    chest = make_ct(person, draw_visit(person, "baseline", 1), CHEST, seed=1, ct_noise_hu=None)
    assert set(chest.vessels) == {"aorta", "superior_vena_cava"}
    assert set(chest.landmarks) == {"carina"}
    assert not np.isin(chest.labels.data, [REGIONS[name].value for name in (*CAROTIDS, *JUGULARS)]).any()


def test_the_reader_clicks_twice_near_the_axis_of_each_carotid(parts, scan):
    rows = points(parts, seed=1)
    assert [(row.region, row.place) for row in rows] == [(s, p) for s in CAROTIDS for p in (None, "bifurcation")]
    for row in rows:
        line = scan.vessels[row.region]
        ends = line.points_mm[np.flatnonzero(line.region)[[0, -1]]]
        away = np.linalg.norm(ends[int(row.place is not None)] - (row.x_mm, row.y_mm, row.z_mm))
        assert 0.05 < away < 2.5
    assert rows == points(parts, seed=1)
    assert rows != points(parts, seed=2)


def test_a_change_is_planted_in_the_hottest_of_ascending_aorta_and_carotids(tmp_path):
    write_trial(tmp_path, participants=1, effect=0.0, seed=1, changes=[-0.2], noise=0.0, grid=NECK, threads=1)
    rows = {row.region: row for row in read_rows(tmp_path / "truth/change.tsv", TrueChangeRow)}
    candidates = [rows[name] for name in ("ascending_aorta", *CAROTIDS)]
    index = next(row for row in rows.values() if row.index_vessel)
    assert index.baseline == max(row.baseline for row in candidates)
    assert index.percent_change == pytest.approx(-20.0, abs=1e-4)
    for row in candidates:
        assert row.percent_change == pytest.approx(-20.0, abs=5.0)
    clicks = read_rows(tmp_path / READER_POINTS, PointRow)
    assert {(row.participant, row.session) for row in clicks} == {("P001", "baseline"), ("P001", "followup")}
