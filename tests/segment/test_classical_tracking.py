"""The best path against every path, and the score of circles against what a circle is."""

from itertools import product

import numpy as np
import pytest

from petproc.segment.classical.surface import closed_curves
from petproc.segment.classical.tracking import circle_scores, viterbi


def best_of_all_paths(score: np.ndarray, penalty: tuple[float, ...]) -> float:
    states = list(np.ndindex(*score.shape[1:]))
    best = -np.inf
    for path in product(states, repeat=len(score)):
        moves = np.abs(np.diff(np.array(path), axis=0))
        if (moves > 1).any():
            continue
        total = sum(score[(k, *state)] for k, state in enumerate(path)) - float((moves * penalty).sum())
        best = max(best, total)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_viterbi_finds_the_best_of_all_paths(seed: int):
    score = np.random.default_rng(seed).normal(size=(4, 3, 3)).astype(np.float32)
    penalty = (0.4, 0.1)
    path = viterbi(score, penalty)
    moves = np.abs(np.diff(path, axis=0))
    total = sum(float(score[(k, *state)]) for k, state in enumerate(path)) - float((moves * penalty).sum())
    assert moves.max() <= 1
    assert total == pytest.approx(best_of_all_paths(score, penalty), abs=1e-5)


def test_closed_curves_follow_a_valley_all_the_way_round():
    angle = np.arange(36) * 2 * np.pi / 36
    valley = np.rint(15 + 5 * np.sin(angle)).astype(int)
    cost = 3.0 * np.abs(np.arange(30)[None, None, :] - valley[None, :, None]).astype(float)
    assert closed_curves(cost)[0].tolist() == valley.tolist()


def test_a_disc_of_blood_scores_best_at_its_middle_and_near_its_radius():
    i, j = np.mgrid[:41, :41] * 2.0
    distance = np.hypot(i - 40, j - 40)
    disc = np.clip(10.0 - distance + 0.5, 0, 1) * 140.0 - 100.0
    radii = np.array([6.0, 8.0, 10.0, 12.0, 14.0])
    scores = circle_scores(np.repeat(disc[None], 5, axis=0).astype(np.float32), radii, blood_hu=40.0, half_hu=60.0)
    radius, i_best, j_best = np.unravel_index(scores[2].argmax(), scores[2].shape)
    assert (i_best, j_best) == (20, 20)
    assert abs(radii[radius] - 10.0) <= 2.0
    assert scores[2].max() > 0.8
    assert scores[2, 2, 5, 5] < 0.2
