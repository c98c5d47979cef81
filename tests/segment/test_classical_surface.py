"""The polar surface and its voxels on tubes whose radius is known."""

import numpy as np
import pytest

from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment.classical.surface import Surface, fit_surface
from petproc.segment.classical.voxelise import voxels_inside
from petproc.segment.classical.window import Blood

MIDDLE = np.array([1.3, -2.1, 0.4])


def tube(radius: float, *, tilt_deg: float, noise_hu: float = 0.0) -> tuple[Volume, np.ndarray, np.ndarray]:
    """A straight tube of blood (42 HU) in clean fat, 2 x 2 x 3 mm voxels, edges of 0.8 mm; its course, its distance."""
    shape = (44, 44, 36)
    affine = np.diag([-2.0, -2.0, 3.0, 1.0])
    affine[:3, 3] = [43.0, 43.0, -52.5]
    grid = Grid(shape, affine)
    places = grid.to_mm(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)) - MIDDLE
    along = np.array([np.sin(np.deg2rad(tilt_deg)), 0.0, -np.cos(np.deg2rad(tilt_deg))])
    distance = np.linalg.norm(places - (places @ along)[..., None] * along, axis=-1)
    from scipy.special import erf

    # 1 mm: voxel averaging (2 / sqrt 12) and a kernel of 0.8 mm together.
    hu = -100.0 + 142.0 * 0.5 * (1 - erf((distance - radius) / (np.sqrt(2.0) * 1.0)))
    hu += np.random.default_rng(3).normal(size=shape) * noise_hu
    course = MIDDLE + np.arange(-40.0, 40.1, 2.0)[:, None] * along
    return Volume(np.rint(hu).astype(np.int16), grid, "HU"), course, distance


@pytest.mark.parametrize("radius", [8.0, 12.0, 16.0])
@pytest.mark.parametrize(("tilt_deg", "noise_hu"), [(0.0, 0.0), (30.0, 0.0), (15.0, 20.0)])
def test_the_radius_of_a_tube_in_clean_fat_is_right_to_a_tenth_of_a_millimetre(radius, tilt_deg, noise_hu):
    ct, course, _ = tube(radius, tilt_deg=tilt_deg, noise_hu=noise_hu)
    aside, wide = course + np.array([1.5, -1.0, 0.0]), np.full(len(course), radius + 1.0)
    surface = fit_surface(ct, aside, wide, blood=Blood(42.0, 60.0), spread_mm=(0.8, 1.7))
    assert surface.equal_radius_mm[5:-5].mean() == pytest.approx(radius, abs=0.1)
    assert surface.visible.all()


def test_a_voxel_is_inside_when_its_centre_is():
    ct, course, distance = tube(10.0, tilt_deg=20.0)
    surface = round_surface(course, 10.0)
    voxels, point = voxels_inside(ct.grid, surface)
    mask = np.zeros(ct.grid.shape, bool)
    mask[tuple(voxels.T)] = True
    along = (ct.grid.to_mm(np.argwhere(np.ones_like(mask))) - course[0]) @ surface.tangents[0]
    between = ((along > 0) & (along < 80)).reshape(mask.shape)
    # The polar wall is a 36-gon: inside a circle by at most 10 (1 - cos 5 deg) = 0.04 mm.
    assert mask[between & (distance < 9.95)].all()
    assert not mask[between & (distance > 10.0)].any()
    assert not mask[((along < -1.01) | (along > 81.01)).reshape(mask.shape)].any()
    assert (point >= 0).all()
    assert (point < len(course)).all()


def round_surface(course: np.ndarray, radius: float) -> Surface:
    from petproc.segment.classical.curve import frames

    shape = (len(course), 36)
    return Surface(course, *frames(course), np.full(shape, radius), np.ones(shape, bool))
