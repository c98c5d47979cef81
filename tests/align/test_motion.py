import numpy as np
import pytest

from petproc.align.motion import Motion, rotation_about


def test_a_quarter_turn_about_z_takes_right_to_front():
    motion = Motion(rotation_about((0.0, 0.0, np.pi / 2)), np.array([10.0, 0.0, 0.0]), np.array([0.0, 0.0, 5.0]))
    np.testing.assert_allclose(motion(np.array([11.0, 0.0, 0.0])), [10.0, 1.0, 5.0], atol=1e-12)
    np.testing.assert_allclose(motion.angles_deg(), [0.0, 0.0, 90.0], atol=1e-9)


def test_angles_are_applied_about_x_then_y_then_z():
    about_x, about_y, about_z = (
        rotation_about(np.radians(angle) * axis) for angle, axis in zip((10, 20, 30), np.eye(3), strict=True)
    )
    motion = Motion(about_z @ about_y @ about_x, np.zeros(3), np.zeros(3))
    np.testing.assert_allclose(motion.angles_deg(), [10.0, 20.0, 30.0], atol=1e-9)


def test_undoing_a_step_brings_a_place_moved_by_it_back():
    step = np.array([1.0, -2.0, 3.0, 0.02, -0.01, 0.03])
    centre = np.array([5.0, 6.0, 7.0])
    place = np.array([50.0, -20.0, 100.0])
    stepped = rotation_about(step[3:]) @ (place - centre) + centre + step[:3]
    np.testing.assert_allclose(Motion.none(centre).after_undoing(step)(stepped), place, atol=1e-9)


@pytest.mark.parametrize("vector", [(0.0, 0.0, 0.0), (1e-14, 0.0, 0.0), (0.3, -0.2, 0.9)])
def test_rotations_keep_lengths(vector):
    np.testing.assert_allclose(rotation_about(vector) @ rotation_about(vector).T, np.eye(3), atol=1e-12)
