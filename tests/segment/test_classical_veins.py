"""Both venae cavae on phantoms with contrast in one vessel or the other, against the phantom's truth; and what is no
vein."""

from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from petproc.core.grid import Grid
from petproc.core.regions import AORTA, IVC, SVC, regions_of
from petproc.core.results import Segmentation
from petproc.core.volume import Volume
from petproc.phantom.person import draw_person, draw_visit
from petproc.phantom.scan import PhantomCt, make_ct
from petproc.phantom.space import CHEST, PhantomGrid
from petproc.phantom.tissues import ARTERIAL, ARTERIAL_DENSE, UNENHANCED, Contrast
from petproc.segment.classical import segment

BELLY = PhantomGrid((128, 128, 64), (3.6, 3.6, 4.0), (112, 112, 60), (4.0, 4.0, 4.0), -96.0, 2.5)
CONTRASTS = {"none": UNENHANCED, "arterial": ARTERIAL, "bolus": ARTERIAL_DENSE}
IVC_MIDDLE = np.array([(20, -8, -330), (22, -6, -250), (24, -2, -190), (25, 4, -140)])
IVC_RADIUS = np.array([9.0, 10.5, 11.0, 12.0])
"""Where the phantom has its inferior vena cava (body space, mm)."""


@cache
def drawn(participant: int, contrast: Contrast, grid: PhantomGrid) -> PhantomCt:
    person = draw_person(1, participant)
    return make_ct(person, draw_visit(person, "baseline", 1), grid, seed=1, contrast=contrast)


@cache
def segmented(participant: int, contrast: Contrast, grid: PhantomGrid) -> Segmentation:
    return segment(drawn(participant, contrast, grid).ct, scan="x")


def rows(segmentation: Segmentation, region: str) -> list:
    return [row for row in segmentation.stations if row.region == region]


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


@pytest.mark.parametrize("name", CONTRASTS)
def test_the_superior_vena_cava_is_found_with_its_own_blood(name: str):
    chest, found = drawn(1, CONTRASTS[name], CHEST), segmented(1, CONTRASTS[name], CHEST)
    assert dice(found.labels.mask(SVC), chest.labels.mask(SVC)) > 0.85
    middle = chest.vessels[SVC].points_mm
    places = np.array([[row.x_mm, row.y_mm, row.z_mm] for row in rows(found, SVC)])
    assert np.linalg.norm(places[:, None] - middle, axis=2).min(axis=1).max() < 3.0


def test_on_coarse_voxels_it_scores_as_a_vein_and_is_not_refused():
    ring = [row.ring_score for row in rows(segmented(2, UNENHANCED, CHEST), SVC)]
    assert np.median(ring) >= 0.40


def test_streaks_of_unmixed_contrast_give_the_vein_or_none_and_nothing_else():
    chest = drawn(1, ARTERIAL, CHEST)
    data = chest.ct.data.copy()
    inside = np.argwhere(chest.labels.mask(SVC))
    unmixed = inside[(inside.sum(axis=1) % 4) < 2]
    data[tuple(unmixed.T)] = 900
    found = segment(Volume(data, chest.ct.grid, "HU"), scan="x")
    ours = found.labels.mask(SVC)
    assert (SVC in found.absent) != bool(ours.any())
    if ours.any():
        assert (ours & chest.labels.mask(SVC)).sum() > 0.7 * ours.sum()


def test_it_ends_where_it_is_part_of_the_heart():
    """A ball of blood below the carina stands for an atrium that is high."""
    chest = drawn(1, UNENHANCED, CHEST)
    carina = np.array(chest.landmarks["carina"])
    place = np.stack(np.meshgrid(*(np.arange(n) for n in chest.ct.grid.shape), indexing="ij"), axis=-1)
    world = chest.ct.grid.to_mm(place.reshape(-1, 3)).reshape(*chest.ct.grid.shape, 3)
    atrium = np.linalg.norm((world - carina - [28, 30, -36]) / [28, 28, 24], axis=-1) < 1
    aorta = chest.labels.mask(*regions_of(AORTA))
    data = np.where(atrium & ~aorta, 42 + 18 * np.random.default_rng(1).standard_normal(atrium.shape), chest.ct.data)
    found = segment(Volume(data.astype(np.int16), chest.ct.grid, "HU"), scan="x")
    assert min(row.z_mm for row in rows(found, SVC)) > carina[2] - 24


def true_inferior_cava() -> tuple[np.ndarray, np.ndarray]:
    """Middle (n, 3) in RAS+ mm and radius (n,), as the body of `BELLY` stands."""
    person = draw_person(1, 1)
    visit = draw_visit(person, "baseline", 1)
    z = np.linspace(-318, -150, 200)
    body = np.stack([np.interp(z, IVC_MIDDLE[:, 2], IVC_MIDDLE[:, axis]) for axis in (0, 1)] + [z], axis=1)
    angle = np.deg2rad(visit.roll_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    radius = np.interp(z, IVC_MIDDLE[:, 2], IVC_RADIUS) * person.scale
    return person.scale * body @ turn.T + np.array(visit.translation_mm), radius


def test_the_inferior_vena_cava_runs_beside_the_aorta_and_takes_nothing_of_it():
    belly, found = drawn(1, UNENHANCED, BELLY), segmented(1, UNENHANCED, BELLY)
    stations = rows(found, IVC)
    assert len(stations) > 40
    heights = [row.z_mm for row in stations]
    assert heights == sorted(heights)
    middle, radius = true_inferior_cava()
    places = np.array([[row.x_mm, row.y_mm, row.z_mm] for row in stations])
    away = np.linalg.norm(places[:, None] - middle, axis=2)
    inside = (places[:, 2] > middle[0, 2]) & (places[:, 2] < middle[-1, 2])
    assert np.median(away.min(axis=1)[inside]) < 1.5
    ours = np.array([row.radius_mm for row in stations])
    assert abs(np.median((ours - radius[away.argmin(axis=1)])[inside])) < 1.0
    assert np.median([row.ring_score for row in stations]) > 0.45
    true_aorta = belly.labels.mask(*regions_of(AORTA))
    assert (found.labels.mask(IVC) & true_aorta).sum() <= 0.01 * true_aorta.sum()


def test_without_a_vein_beside_the_aorta_none_is_made_up():
    """Fat in place of the vein and all around where it was."""
    belly = drawn(1, UNENHANCED, BELLY)
    middle, radius = true_inferior_cava()
    place = np.argwhere(np.ones(belly.ct.grid.shape, dtype=bool))
    world = belly.ct.grid.to_mm(place)
    near = np.zeros(len(place), dtype=bool)
    for point, wide in zip(middle[::4], radius[::4], strict=True):
        near |= (np.abs(world - point) < [wide + 6, wide + 6, 6]).all(axis=1)
    data = belly.ct.data.copy()
    keep = belly.labels.mask(*regions_of(AORTA))[tuple(place.T)]
    data[tuple(place[near & ~keep].T)] = -100
    found = segment(Volume(data, Grid(data.shape, belly.ct.grid.affine), "HU"), scan="x")
    assert IVC in found.absent
    assert not found.labels.mask(IVC).any()


@pytest.mark.parametrize("degrees", [-6.0, 6.0])
def test_the_superior_vena_cava_is_found_on_a_ct_that_leans(degrees: float):
    chest = drawn(1, UNENHANCED, CHEST)
    leaning = leant(chest.ct.grid, degrees)
    step = np.linalg.inv(chest.ct.grid.affine) @ leaning.affine
    data = ndimage.affine_transform(
        chest.ct.data, step[:3, :3], step[:3, 3], output_shape=leaning.shape, order=1, cval=-1024
    )
    found = rows(segment(Volume(data, leaning, "HU"), scan="x"), SVC)
    upright = rows(segmented(1, UNENHANCED, CHEST), SVC)
    assert len(found) == pytest.approx(len(upright), abs=5)
    middle = chest.vessels[SVC].points_mm
    places = np.array([[row.x_mm, row.y_mm, row.z_mm] for row in found])
    assert np.linalg.norm(places[:, None] - middle, axis=2).min(axis=1).max() < 3.0


def leant(grid: Grid, degrees: float) -> Grid:
    """The lattice turned about the patient's front-to-back axis, about its own middle."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    middle = grid.to_mm((np.array(grid.shape) - 1) / 2)
    affine = grid.affine.copy()
    affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = middle + turn @ (affine[:3, 3] - middle)
    return Grid(grid.shape, affine)
