"""Where the wall of a vessel lies in people with and without fat around it."""

import numpy as np
import pytest
from scipy.special import erf

from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment.classical.fat import surroundings_hu
from petproc.segment.classical.surface import fit_surface
from petproc.segment.classical.window import Blood

BLOOD, RADIUS, SHEATH = Blood(42.0, 60.0), 11.0, 3.5


def tube_beside_lung(
    outside_hu: float, *, turn: float = np.pi / 3, noise_hu: float = 20.0
) -> tuple[Volume, np.ndarray]:
    """A tube of blood in `outside_hu`, with lung 3.5 mm beyond its wall up to `turn` from the x axis; edges of 1 mm."""
    shape = (44, 44, 36)
    grid = Grid(shape, np.array([[-2.0, 0, 0, 43], [0, -2.0, 0, 43], [0, 0, 3, -52.5], [0, 0, 0, 1]]))
    x, y, _ = np.moveaxis(grid.to_mm(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)), -1, 0)

    def inside(distance: np.ndarray) -> np.ndarray:
        return 0.5 * (1 - erf(distance / np.sqrt(2.0)))

    vessel = inside(np.hypot(x, y) - RADIUS)
    lung = inside(RADIUS + SHEATH - np.where(np.abs(np.arctan2(y, x)) <= turn, np.hypot(x, y), 0.0))
    hu = outside_hu + (BLOOD.hu - outside_hu) * vessel + (-830.0 - outside_hu) * lung
    hu += np.random.default_rng(4).normal(size=shape) * noise_hu
    course = np.stack([np.zeros(41), np.zeros(41), np.arange(40.0, -40.1, -2.0)], axis=1)
    return Volume(np.rint(hu).astype(np.int16), grid, "HU"), course


@pytest.mark.parametrize("outside_hu", [-100.0, -20.0, 0.0, 10.0])
def test_the_wall_is_halfway_to_what_surrounds_the_vessel_and_not_at_the_lung_behind(outside_hu: float):
    ct, course = tube_beside_lung(outside_hu)
    surface = fit_surface(ct, course, np.full(len(course), RADIUS + 1.0), blood=BLOOD, spread_mm=(0.8, 1.7))
    assert surface.equal_radius_mm[5:-5].mean() == pytest.approx(RADIUS, abs=0.4)


def test_a_vessel_that_lung_surrounds_is_told_what_lies_between():
    ct, course = tube_beside_lung(10.0, turn=np.pi)
    wide = np.full(len(course), RADIUS + 1.0)
    alone, told = (
        fit_surface(ct, course, wide, blood=BLOOD, spread_mm=(0.8, 1.7), outside_hu=outside) for outside in (None, 10.0)
    )
    assert alone.equal_radius_mm[5:-5].mean() > RADIUS + 0.8
    assert told.equal_radius_mm[5:-5].mean() == pytest.approx(RADIUS, abs=0.4)
    assert (alone.outside_hu, told.outside_hu) == (-100.0, 10.0)


def test_surroundings_are_fat_where_some_are_dark_and_lung_does_not_count():
    around = np.full((30, 36), 20.0)
    assert surroundings_hu(around) == pytest.approx(20.0)
    around[:, :10] = -600.0
    assert surroundings_hu(around) == pytest.approx(20.0)
    around[:, 10:14] = -80.0
    assert surroundings_hu(around) == -100.0
    assert surroundings_hu(np.full((30, 36), -600.0)) == -100.0


def test_noise_makes_no_surroundings_darker_than_they_are():
    quiet, noisy = (
        fit_surface(
            tube_beside_lung(-10.0, noise_hu=noise)[0],
            tube_beside_lung(-10.0)[1],
            np.full(41, RADIUS + 1.0),
            blood=BLOOD,
            spread_mm=(0.8, 1.7),
        )
        for noise in (20.0, 35.0)
    )
    assert noisy.outside_hu == pytest.approx(quiet.outside_hu, abs=6.0)
    assert noisy.equal_radius_mm[5:-5].mean() == pytest.approx(RADIUS, abs=0.4)
