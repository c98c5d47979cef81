"""How much of a wall can be seen, on tubes whose surroundings are known."""

import numpy as np
import pytest

from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment.classical.curve import frames
from petproc.segment.classical.surface import Surface
from petproc.segment.classical.visible import visible_fraction
from petproc.segment.classical.window import Blood

BLOOD, RADIUS = Blood(42.0, 60.0), 10.0
SHAPE = (30, 30, 40)
GRID = Grid(SHAPE, np.array([[-2.0, 0, 0, 29], [0, 2.0, 0, -29], [0, 0, 2, -39], [0, 0, 0, 1]]))


def surface() -> Surface:
    course = np.stack([np.zeros(36), np.zeros(36), np.arange(35.0, -36.0, -2.0)], axis=1)
    return Surface(course, *frames(course), np.full((36, 36), RADIUS), np.zeros((36, 36), bool))


def image(fat_hu: float, *, share: float, noise_hu: float = 0.0, plane_mm: float = 20.0) -> Volume:
    """Blood in more blood, but for a layer of fat around the tube over a `share` of the turn."""
    places = GRID.to_mm(np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1))
    rho, turn = np.hypot(places[..., 0], places[..., 1]), np.arctan2(places[..., 1], places[..., 0]) / (2 * np.pi) % 1.0
    fat = (rho > RADIUS) & (rho < RADIUS + plane_mm) & (turn < share)
    hu = np.where(fat, fat_hu, BLOOD.hu) + np.random.default_rng(2).normal(size=SHAPE) * noise_hu
    return Volume(hu.astype(np.float32), GRID, "HU")


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_the_share_of_the_turn_with_fat_behind_the_wall_is_what_is_visible(share: float):
    # Smoothing over 1.5 of 36 angles carries it so far beyond either border of the layer.
    seen = visible_fraction(image(-100.0, share=share), surface(), blood=BLOOD)[18]
    assert seen == pytest.approx(share, abs=0.09)


def test_a_plane_of_fat_that_is_blurred_to_thirty_below_blood_is_visible_in_a_quiet_ct_and_not_in_a_noisy_one():
    quiet, noisy = (
        np.median(visible_fraction(image(12.0, share=1.0, noise_hu=noise), surface(), blood=BLOOD))
        for noise in (10.0, 90.0)
    )
    assert quiet > 0.9
    assert noisy < 0.5


@pytest.mark.parametrize("noise_hu", [0.0, 20.0, 60.0])
def test_noise_alone_makes_no_wall(noise_hu: float):
    seen = visible_fraction(image(42.0, share=0.0, noise_hu=noise_hu), surface(), blood=BLOOD)
    assert seen.mean() < 0.05


def test_what_lies_beyond_the_image_is_not_visible():
    cut = image(-100.0, share=1.0)
    grid = Grid((15, 30, 40), GRID.affine)
    half = Volume(cut.data[:15], grid, "HU")
    seen = visible_fraction(half, surface(), blood=BLOOD)
    assert seen[18] == pytest.approx(0.5, abs=0.06)
