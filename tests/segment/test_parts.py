"""The aorta's parts: one rule for every backend, checked on a candy cane drawn by hand."""

import numpy as np
import pytest

from petproc.core.errors import Refusal
from petproc.segment.parts import aortic_landmark, split_aorta

CARINA = (0.0, 0.0, 100.0)


def candy_cane() -> np.ndarray:
    """Up from z = 60 to 110, over the top (z = 140) in a half circle of radius 30, down to z = -100; 1 mm apart."""
    up = np.stack([np.zeros(50), np.full(50, 60.0), np.arange(60.0, 110.0)], axis=1)
    turn = np.linspace(0, np.pi, 95)
    over = np.stack([np.zeros(95), 30 + 30 * np.cos(turn), 110 + 30 * np.sin(turn)], axis=1)
    down = np.stack([np.zeros(210), np.zeros(210), np.arange(109.0, -101.0, -1.0)], axis=1)
    return np.concatenate([up, over, down])


def lung_above(points: np.ndarray, height: float) -> np.ndarray:
    return points[:, 2] > height


def test_the_arch_is_what_lies_more_than_5_mm_above_the_carina():
    points = candy_cane()
    regions = np.array(split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0)))
    assert points[regions == "aortic_arch", 2].min() == 106.0
    assert points[regions == "ascending_aorta", 2].max() == 105.0
    assert points[regions == "descending_aorta", 2].max() == 105.0


def test_the_abdominal_aorta_begins_below_the_last_place_beside_lung():
    points = candy_cane()
    regions = np.array(split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0)))
    assert points[regions == "descending_aorta", 2].min() == 1.0
    assert points[regions == "abdominal_aorta", 2].max() == 0.0


def test_regions_follow_each_other_with_the_flow():
    points = candy_cane()
    regions = split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0))
    assert list(dict.fromkeys(regions)) == ["ascending_aorta", "aortic_arch", "descending_aorta", "abdominal_aorta"]


def test_a_piece_of_descending_aorta_needs_no_carina():
    points = candy_cane()[-150:]
    regions = split_aorta(points, carina=None, lung_beside=lung_above(points, 0.0))
    assert list(dict.fromkeys(regions)) == ["descending_aorta", "abdominal_aorta"]


def test_an_arch_without_a_carina_is_refused():
    points = candy_cane()
    with pytest.raises(Refusal, match="no-carina"):
        split_aorta(points, carina=None, lung_beside=lung_above(points, 0.0))


def test_an_ascending_stump_below_the_carina_is_ascending():
    points = candy_cane()[:40]
    assert set(split_aorta(points, carina=CARINA, lung_beside=lung_above(points, 0.0))) == {"ascending_aorta"}


def test_the_landmark_is_on_the_descending_limb_at_the_height_of_the_carina():
    assert aortic_landmark(candy_cane(), carina=(0.0, 0.0, 100.25)) == pytest.approx((0.0, 0.0, 100.25))


def test_without_the_carina_s_height_in_view_there_is_no_landmark():
    assert aortic_landmark(candy_cane()[-150:], carina=(0.0, 0.0, 100.0)) is None
    assert aortic_landmark(candy_cane(), carina=None) is None
