"""The pictures themselves: that they show what they say, that they are small, and always the same bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from petproc.core.grid import Grid
from petproc.core.regions import REGIONS
from petproc.core.tables import Station
from petproc.core.volume import Labels, Volume
from petproc.sample.overlay import draw_overlays
from petproc.sample.scene import COLOURS, INK, SOFT, _palette

AORTA_XY = (-15.0, -20.0)
CAVA_XY = (25.0, 10.0)


def tube_stations(region, vessel, place, heights):
    return [
        Station(vessel, n, region, 2.0 * n, *place, float(z), 0.0, 0.0, -1.0, 12.0, None, None)
        for n, z in enumerate(heights)
    ]


def body(spacing, ct):
    """Two upright vessels in soft tissue, on a grid that begins at the patient's left back below."""
    spacing = np.array(spacing, float)
    shape = tuple(np.ceil(np.array([240.0, 200.0, 120.0]) / spacing).astype(int))
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (-120.0, -100.0, 0.0)
    grid = Grid(shape, affine)
    x, y, _ = np.moveaxis(grid.to_mm(np.moveaxis(np.indices(shape), 0, -1)), -1, 0)
    inside = (x / 110) ** 2 + (y / 90) ** 2 < 1
    aorta, cava = (np.hypot(x - a, y - b) <= 12 for a, b in (AORTA_XY, CAVA_XY))
    if ct:
        hu = np.where(inside, -80, -1000) + np.where(aorta | cava, 120, 0)
        noise = np.random.default_rng(1).normal(0, 20, shape)
        return Volume((hu + noise).astype(np.int16), grid, "HU"), aorta, cava
    return Volume((np.where(inside, 2000, 0) + 3000 * aorta).astype(np.float32), grid, "Bq/mL"), aorta, cava


@pytest.fixture(scope="module")
def scan():
    ct, aorta, cava = body((1.0, 1.0, 3.0), ct=True)
    pet, _, _ = body((4.0, 4.0, 3.0), ct=False)
    data = (3 * aorta + 5 * cava).astype(np.uint8)
    names = {3: "descending_aorta", 5: "superior_vena_cava"}
    heights = np.arange(112, 4, -2)
    stations = [
        *tube_stations("descending_aorta", "aorta", AORTA_XY, heights),
        *tube_stations("superior_vena_cava", "superior_vena_cava", CAVA_XY, heights),
    ]
    return pet, ct, Labels(data, ct.grid, names), stations


@pytest.fixture(scope="module")
def pictures(scan):
    return draw_overlays(*scan, suv_factor=3e-4)


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def of_colour(picture, name, tolerance=25):
    value = COLOURS[name]
    wanted = [int(value[n : n + 2], 16) for n in (1, 3, 5)]
    return np.abs(picture - wanted).max(axis=2) < tolerance


def test_there_is_an_overview_and_one_picture_a_region(pictures):
    assert list(pictures) == ["overview", "descending_aorta", "superior_vena_cava"]


def test_pictures_are_small_and_carry_neither_date_nor_program(pictures):
    for content in pictures.values():
        assert len(content) < 250_000
        assert Image.open(io.BytesIO(content)).info == {}


def test_the_same_images_give_the_same_bytes(scan, pictures):
    import matplotlib

    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "image.cmap": "jet"}):
        assert draw_overlays(*scan, suv_factor=3e-4) == pictures


def test_the_outline_lies_around_the_middle_of_every_panel(pictures):
    drawn = of_colour(pixels(pictures["descending_aorta"]), "descending_aorta")
    drawn[:60] = False  # the heading has the region's colour too
    rows, columns = np.nonzero(drawn)
    per_mm = 0.922 * 1040 / (5 * 83 - 3)
    for upper in (True, False):
        for column in range(5):
            middle = 0.008 * 1040 + (83 * column + 40) * per_mm
            own = (np.abs(columns - middle) < 40 * per_mm) & ((rows < 265) == upper)
            width, height = np.ptp(columns[own]) + 1, np.ptp(rows[own]) + 1
            assert width == pytest.approx(25 * per_mm + 2, abs=3)  # 24 mm in voxels of 1 mm, and the line's own width
            assert height == pytest.approx(width, abs=2)
            assert columns[own].mean() == pytest.approx(middle, abs=3)


def test_the_overview_shows_the_vena_cava_on_the_viewers_left_of_the_aorta(pictures):
    picture = pixels(pictures["overview"])
    front = picture[60:580, : picture.shape[1] // 2 - 120]
    aorta, cava = (np.nonzero(of_colour(front, name))[1] for name in ("descending_aorta", "superior_vena_cava"))
    assert cava.mean() < aorta.mean()


def test_without_suv_the_scale_is_activity(scan, pictures):
    other = draw_overlays(*scan, suv_factor=None)
    assert list(other) == list(pictures)
    assert other["descending_aorta"] != pictures["descending_aorta"]


def test_the_order_of_the_image_axes_changes_no_outline(scan, pictures):
    pet, ct, labels, stations = scan

    def turned(data, grid):
        affine = grid.affine[:, [2, 0, 1, 3]].copy()
        affine[:3, 3] += affine[:3, 1] * (data.shape[0] - 1)
        affine[:3, 1] *= -1
        data = data.transpose(2, 0, 1)[:, ::-1]
        return data, Grid(data.shape, affine)

    other = draw_overlays(
        Volume(*turned(pet.data, pet.grid), pet.unit),
        Volume(*turned(ct.data, ct.grid), ct.unit),
        Labels(*turned(labels.data, labels.grid), labels.names),
        stations,
        suv_factor=3e-4,
    )
    one, two = (of_colour(pixels(found["descending_aorta"]), "descending_aorta") for found in (pictures, other))
    assert (one != two).sum() < 0.02 * one.sum()


def test_a_scan_without_vessels_still_has_its_overview(scan):
    pet, ct, labels, _ = scan
    empty = Labels(np.zeros_like(labels.data), labels.grid, labels.names)
    assert list(draw_overlays(pet, ct, empty, (), suv_factor=3e-4)) == ["overview"]


def test_a_region_of_few_stations_has_a_picture(scan):
    pet, ct, labels, stations = scan
    few = draw_overlays(pet, ct, labels, stations[:2], suv_factor=3e-4)
    assert list(few) == ["overview", "descending_aorta"]


def test_every_region_has_a_colour_of_its_own():
    assert list(COLOURS) == list(REGIONS)
    values = np.array([[int(colour[n : n + 2], 16) for n in (1, 3, 5)] for colour in COLOURS.values()])
    apart = np.linalg.norm(values[:, None] - values, axis=2) + 1e3 * np.eye(len(values))
    assert apart.min() > 30


def test_the_colours_of_all_regions_fit_in_one_palette_beside_the_greys():
    inks = (*COLOURS.values(), INK, SOFT)
    palette = _palette(inks)
    assert len(palette) <= 256
    shades = {tuple(shade) for shade in palette.tolist()}
    assert {tuple(int(ink[n : n + 2], 16) for n in (1, 3, 5)) for ink in inks} <= shades
    assert len([shade for shade in shades if len(set(shade)) == 1]) >= 90


def test_organs_have_no_picture_of_their_own_but_outlines_on_those_of_vessels(scan):
    pet, ct, labels, stations = scan
    x, y, _ = np.moveaxis(ct.grid.to_mm(np.moveaxis(np.indices(ct.grid.shape), 0, -1)), -1, 0)
    data = labels.data.copy()
    data[np.hypot(x + 15.0, y - 15.0) <= 15] = REGIONS["liver"].value
    both = Labels(data, ct.grid, {**labels.names, REGIONS["liver"].value: "liver"})
    found = draw_overlays(pet, ct, both, stations[:20], suv_factor=3e-4)
    assert list(found) == ["overview", "descending_aorta"]
    assert of_colour(pixels(found["descending_aorta"]), "liver", 5).sum() > 300
    assert of_colour(pixels(found["overview"]), "liver", 40).sum() > 100
