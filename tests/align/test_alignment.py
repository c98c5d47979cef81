"""The offset between PET and CT, planted by moving the PET's grid: no voxel is interpolated and the answer is exact."""

import numpy as np
import pytest

from petproc.align import estimate_alignment
from petproc.align.motion import Motion, rotation_about
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.phantom import CHEST, make_scan
from petproc.settings import AlignSettings

CENTRE = np.array([0.0, 0.0, 40.0])
"""of the planted rotations, mm; not that of the estimate"""


@pytest.fixture(scope="module")
def chest():
    return make_scan(seed=3, grid=CHEST)


def planted(pet, shift=(0.0, 0.0, 0.0), turn_deg=(0.0, 0.0, 0.0)):
    """The PET moved by `shift` and turned about `CENTRE`, and the motion that did it."""
    motion = Motion(rotation_about(np.radians(turn_deg)), CENTRE, np.array(shift))
    affine = np.eye(4)
    affine[:3, :3] = motion.rotation
    affine[:3, 3] = motion(np.zeros((1, 3)))[0]
    return Volume(pet.data, Grid(pet.grid.shape, affine @ pet.grid.affine), pet.unit), motion


def estimated(scan, pet, **settings):
    return estimate_alignment(
        pet, scan.ct, settings=AlignSettings(**settings), acquisition=scan.acquisition, scan="sub-01_ses-baseline"
    )


def moved_by(alignment, place):
    """Where an `Alignment` takes a place, by the formula of its docstring written out."""
    x, y, z = np.radians(alignment.rotation_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    centre = np.array(alignment.centre_mm)
    return about_z @ about_y @ about_x @ (place - centre) + centre + alignment.translation_mm


@pytest.mark.parametrize(
    ("shift", "turn_deg"),
    [
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((2.0, -1.5, 1.0), (0.0, 0.0, 1.0)),
        ((-4.0, 3.0, -7.0), (1.5, -1.0, 2.0)),
        ((6.0, 6.0, 8.5), (-2.0, 2.0, 2.8)),
        ((0.0, 0.0, -12.0), (0.0, 4.0, 0.0)),
    ],
)
def test_a_planted_motion_is_recovered_though_the_organs_breathe(chest, shift, turn_deg):
    pet, truth = planted(chest.pet, shift, turn_deg)
    alignment = estimated(chest, pet)
    for place in chest.vessels["aorta"].points_mm[::100]:
        assert np.linalg.norm(moved_by(alignment, place) - truth(place)) < 1.2
    centre = np.array(alignment.centre_mm)
    error = np.linalg.norm(moved_by(alignment, centre) - truth(centre))
    assert error < 1.0
    assert error <= 2 * alignment.uncertainty_mm
    np.testing.assert_allclose(alignment.rotation_deg, truth.angles_deg(), atol=0.5)
    assert 0.0 < alignment.uncertainty_mm < 1.0
    assert 0.0 < alignment.rotation_uncertainty_deg < 0.5


def test_an_offset_above_the_limit_is_a_finding_that_says_where_to(chest):
    pet, _ = planted(chest.pet, (3.0, 0.0, -2.5))
    (finding,) = estimated(chest, pet).findings
    assert finding.code == "pet-ct-offset"
    assert "3.0 mm to the right" in finding.message or "3.1 mm to the right" in finding.message
    assert "down" in finding.message


def test_an_offset_too_large_to_measure_in_says_so_unless_it_is_corrected(chest):
    pet, _ = planted(chest.pet, (6.0, 0.0, -5.0))
    assert [finding.code for finding in estimated(chest, pet).findings] == ["pet-ct-offset", "pet-ct-offset-too-large"]
    assert [finding.code for finding in estimated(chest, pet, apply=True).findings] == ["pet-ct-offset"]
    assert estimated(chest, pet, apply=True, refuse=True).applied


def test_an_offset_too_large_is_refused_where_the_study_wants_it(chest):
    pet, _ = planted(chest.pet, (6.0, 0.0, -5.0))
    with pytest.raises(Refusal) as refused:
        estimated(chest, pet, refuse=True)
    assert refused.value.code == "pet-ct-misaligned"
    assert refused.value.scan == "sub-01_ses-baseline"


def test_a_small_offset_is_reported_without_a_finding_and_applied_by_setting_only(chest):
    pet, _ = planted(chest.pet, (0.0, 1.0, 0.0))
    reported, applied = estimated(chest, pet), estimated(chest, pet, apply=True)
    assert reported.findings == applied.findings == ()
    assert not reported.applied
    assert applied.applied
    assert reported.translation_mm == applied.translation_mm


def test_an_estimate_less_certain_than_the_limit_is_not_applied_and_says_so(chest):
    alignment = estimated(chest, chest.pet, apply=True, warn_mm=0.001)
    assert not alignment.applied
    assert "pet-ct-offset-uncertain" in [finding.code for finding in alignment.findings]


def test_order_and_direction_of_the_image_axes_do_not_matter(chest):
    def turned(volume):
        data = volume.data.transpose(2, 0, 1)[:, ::-1]
        affine = volume.grid.affine[:, [2, 0, 1, 3]].copy()
        affine[:3, 3] += affine[:3, 1] * (data.shape[1] - 1)
        affine[:3, 1] *= -1
        return Volume(data, Grid(data.shape, affine), volume.unit)

    pet, _ = planted(chest.pet, (2.0, 1.0, 0.0))
    without = {"settings": AlignSettings(), "acquisition": None, "scan": ""}
    straight = estimate_alignment(pet, chest.ct, **without)
    other = estimate_alignment(turned(pet), turned(chest.ct), **without)
    np.testing.assert_allclose(other.translation_mm, straight.translation_mm, atol=0.05)
    np.testing.assert_allclose(other.rotation_deg, straight.rotation_deg, atol=0.02)


def test_a_pet_of_another_place_is_refused(chest):
    pet, _ = planted(chest.pet, (0.0, 0.0, 170.0))
    with pytest.raises(Refusal) as refused:
        estimated(chest, pet)
    assert refused.value.code == "pet-ct-apart"
    assert refused.value.scan == "sub-01_ses-baseline"


def test_a_ct_without_a_body_is_refused(chest):
    empty = Volume(np.full_like(chest.ct.data, -1000), chest.ct.grid, "HU")
    with pytest.raises(Refusal) as refused:
        estimate_alignment(chest.pet, empty, settings=AlignSettings(), acquisition=None, scan="sub-01_ses-baseline")
    assert refused.value.code == "no-body"
