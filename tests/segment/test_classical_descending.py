"""Where the tracked aorta ends: it divides, or its circles no longer fit."""

import numpy as np
import pytest

from petproc.segment.classical.descending import undivided
from petproc.segment.classical.window import Track

DIVIDES, CREST = 100, 30
"""Index of the circle at which the aorta divides, 60 of which lie below; slice of the iliac crests."""


def tracked(*, aside: float, below_score: float, bend: float = 0.0) -> Track:
    """A path of 160 slices of 2 mm from slice 200 down; below its 100th it runs `aside` voxels per slice to the right
    with `below_score`; `bend`: voxels by which a tortuous aorta swings to and fro over 350 mm."""
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
