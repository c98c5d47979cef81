"""Where the tracked aorta runs and ends: which blood it has, and where it divides."""

import numpy as np
import pytest

from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment.classical.descending import find_descending, undivided
from petproc.segment.classical.spine import Spine
from petproc.segment.classical.window import Track
from petproc.segment.torso import Torso

DIVIDES, CREST = 100, 30
"""Index of the circle at which the aorta divides, 60 of which lie below; slice of the iliac crests."""


def tracked(*, aside: float, below_score: float, bend: float = 0.0) -> Track:
    """A path of 160 slices of 2 mm from slice 200 down; below its 100th it runs `aside` voxels per slice to the right
    with `below_score`; `bend`: voxels by which a tortuous aorta swings from side to side over 350 mm."""
    n = np.arange(160.0)
    below = np.maximum(0.0, n - DIVIDES)
    i = 40.0 + bend * np.sin(2 * np.pi * n / 175.0) + aside * below
    wobble = 0.05 * np.cos(2.1 * n)
    return Track(
        np.stack([np.rint(i), np.full(160, 50.0), 200.0 - n], axis=1),
        np.where(below > 0, 6.0, 8.0),
        np.where(below > 0, below_score, 0.75) + wobble,
    )


@pytest.mark.parametrize("aside", [-0.9, 0.9])
def test_a_path_that_turns_into_an_iliac_ends_where_the_aorta_divides_though_its_score_holds(aside: float):
    ended = undivided(tracked(aside=aside, below_score=0.7), crest=CREST + 60)
    assert len(ended.scores) == pytest.approx(DIVIDES, abs=3)


def test_a_path_whose_circles_fit_worse_from_there_on_ends_there():
    ended = undivided(tracked(aside=0.0, below_score=0.4), crest=CREST + 60)
    assert len(ended.scores) == pytest.approx(DIVIDES, abs=3)


@pytest.mark.parametrize("bend", [-4.0, 4.0])
def test_a_tortuous_aorta_is_not_cut_short(bend: float):
    path = tracked(aside=0.0, below_score=0.75, bend=bend)
    assert len(undivided(path, crest=CREST + 60).scores) == len(path.scores)


def test_far_above_the_crests_nothing_divides():
    path = tracked(aside=0.9, below_score=0.7)
    assert len(undivided(path, crest=0).scores) == len(path.scores)


def two_vessels(aorta_hu: float, cava_hu: float) -> tuple[Torso, Spine]:
    """Beside and before a spine at voxel (40, 40): an aorta to the left, a vein to the right, noise of 15 HU."""
    i, j, _ = np.mgrid[:80, :80, :70]
    left, front = -2.0 * (i - 40), 2.0 * (j - 40)
    hu = np.full(i.shape, -60.0)
    hu[np.hypot(left, front) < 18.0] = 250.0
    hu[np.hypot(left - 12.0, front - 32.0) < 8.5] = aorta_hu
    hu[np.hypot(left + 18.0, front - 32.0) < 10.0] = cava_hu
    hu += np.random.default_rng(1).normal(size=i.shape) * 15.0
    grid = Grid((80, 80, 70), np.array([[2.0, 0, 0, -80], [0, 2, 0, -80], [0, 0, 2, 0], [0, 0, 0, 1]]))
    coarse = Grid((40, 40, 35), np.diag([4.0, 4.0, 4.0, 1.0]))
    nowhere = np.zeros(coarse.shape, bool)
    torso = Torso(Volume(hu.astype(np.float32), grid, "HU"), coarse, ~nowhere, nowhere)
    return torso, Spine(np.full(70, 40.0), np.full(70, 40.0), np.full(70, 18.0))


@pytest.mark.parametrize(("aorta_hu", "cava_hu"), [(42.0, 42.0), (150.0, 150.0), (300.0, 45.0), (150.0, 90.0)])
def test_the_aorta_is_followed_in_every_phase_though_the_vein_beside_it_looks_like_blood_without_contrast(
    aorta_hu: float, cava_hu: float
):
    torso, spine = two_vessels(aorta_hu, cava_hu)
    found = find_descending(torso, spine, top=69)
    assert found is not None
    assert found.blood.hu == pytest.approx(aorta_hu, abs=8.0)
    assert np.abs(-2.0 * (found.path.voxels[:, 0] - 40) - 12.0).max() < 4.0
    assert len(found.path.scores) > 55
