"""Centrelines against the curves from which the masks were drawn."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import REGIONS
from petproc.core.volume import Labels
from petproc.segment.centreline import centreline_of, centreline_of_mask, region_along

FINE = 0.1


def straight(direction, length, start=(3.0, -20.0, 140.0)):
    direction = np.array(direction, float) / np.linalg.norm(direction)
    return np.array(start) + np.arange(0, length, FINE)[:, None] * direction


def candy_cane(radius=35.0, ascending=50.0, descending=120.0):
    """Up, around an arch to the back and left, and down; every point's region beside it."""
    up = straight((0, 0, 1), ascending, start=(20.0, 30.0, 0.0))
    turn = np.arange(0, np.pi, FINE / radius)
    sideways = np.array([-0.6, -0.8, 0.0])
    arch = up[-1] + radius * ((1 - np.cos(turn))[:, None] * sideways + np.sin(turn)[:, None] * [0, 0, 1])
    down = straight((0, 0, -1), descending, start=arch[-1])
    names = ["ascending_aorta"] * len(up) + ["aortic_arch"] * len(arch) + ["descending_aorta"] * len(down)
    return np.vstack([up, arch, down]), np.array(names)


def drawn(curve, radius, spacing, regions=None):
    """Labels of all voxels within `radius` of `curve` and between its end planes, on a grid whose x and y run back."""
    spacing = np.array(spacing, float)
    low, high = curve.min(axis=0) - radius - 9.3, curve.max(axis=0) + radius + 9.3
    shape = tuple(np.ceil((high - low) / spacing).astype(int))
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    affine[:3, 3] = [high[0], high[1], low[2]]
    grid = Grid(shape, affine)
    distance, nearest = cKDTree(curve).query(
        grid.to_mm(np.indices(shape).reshape(3, -1).T), distance_upper_bound=radius
    )
    inside = (distance <= radius) & (nearest > 0) & (nearest < len(curve) - 1)
    names = np.full(len(curve), "ascending_aorta") if regions is None else np.asarray(regions)
    values = np.array([REGIONS[name].value for name in names], dtype=np.uint8)
    data = np.where(inside, values[np.minimum(nearest, len(curve) - 1)], 0).astype(np.uint8)
    return Labels(data.reshape(shape), grid, {REGIONS[name].value: name for name in np.unique(names)})


def length(points):
    return np.linalg.norm(np.diff(points, axis=0), axis=1).sum()


def away_from(curve, points):
    """Distance of points from a curve that is prolonged straight beyond its ends."""
    before = curve[0] + np.arange(-10, 0, FINE)[:, None] * (curve[1] - curve[0]) / FINE
    after = curve[-1] + np.arange(FINE, 10, FINE)[:, None] * (curve[-1] - curve[-2]) / FINE
    return cKDTree(np.vstack([before, curve, after])).query(points)[0]


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.98, 0.98, 3.27), (1.4, 1.4, 5.0)])
@pytest.mark.parametrize(
    ("direction", "radius", "long"),
    [((0, 0, 1), 12.0, 90.0), ((0.4, 0.3, 0.86), 12.0, 90.0), ((0.5, 0.5, 0.7), 9.0, 80.0), ((0.1, 0.1, 1), 5.0, 40.0)],
)
def test_a_cylinder_has_its_axis_as_centreline_and_its_own_radius(direction, radius, long, spacing):
    curve = straight(direction, long)
    labels = drawn(curve, radius, spacing)
    tube = centreline_of_mask(labels.data > 0, labels.grid)
    assert away_from(curve, tube.points_mm).mean() < 0.25
    assert away_from(curve, tube.points_mm).max() < (0.5 if spacing[2] < 5 else 0.75)
    assert abs(tube.radii_mm.mean() - radius) < 0.2
    assert length(tube.points_mm) == pytest.approx(long, abs=spacing[2] + 2.0)
    np.testing.assert_allclose(np.linalg.norm(np.diff(tube.points_mm, axis=0), axis=1), 2.0, atol=0.05)


@pytest.mark.parametrize("spacing", [(1.2, 1.2, 1.5), (0.98, 0.98, 3.27)])
def test_a_candy_cane_runs_from_the_root_over_the_arch_down_to_the_very_end(spacing):
    curve, names = candy_cane()
    labels = drawn(curve, 12.5, spacing, names)
    tube = centreline_of(labels, "aorta")
    assert away_from(curve, tube.points_mm).max() < 0.5
    assert abs(tube.radii_mm - 12.5).max() < 0.5
    assert abs(tube.radii_mm.mean() - 12.5) < 0.2
    assert np.linalg.norm(tube.points_mm[0] - curve[0]) < 2.5
    assert np.linalg.norm(tube.points_mm[-1] - curve[-1]) < 2.0 + spacing[2] / 2
    assert length(tube.points_mm) == pytest.approx(length(curve), abs=spacing[2] + 2.0)
    along = [name for name in region_along(tube, labels) if name]
    assert list(dict.fromkeys(along)) == ["ascending_aorta", "aortic_arch", "descending_aorta"]


def test_a_branch_of_the_arch_does_not_pull_the_centreline_out_of_the_middle():
    curve, names = candy_cane()
    apex = curve[np.argmax(curve[:, 2])]
    branch = straight((0, 0, 1), 30.0, start=apex - [0, 0, 5])
    aorta = drawn(curve, 12.5, (1.2, 1.2, 1.5), names)
    place = aorta.grid.to_mm(np.indices(aorta.grid.shape).reshape(3, -1).T)
    stump = (cKDTree(branch).query(place)[0] <= 4.0).reshape(aorta.grid.shape)
    tube = centreline_of_mask((aorta.data > 0) | stump, aorta.grid)
    assert away_from(curve, tube.points_mm).max() < 1.0


@pytest.mark.parametrize("regions", [["ascending_aorta"], ["aortic_arch"], ["descending_aorta"]])
def test_a_region_alone_runs_with_flow(regions):
    curve, names = candy_cane()
    kept = curve[np.isin(names, regions)]
    tube = centreline_of(drawn(kept, 12.0, (1.5, 1.5, 2.0), names[np.isin(names, regions)]), "aorta")
    assert np.linalg.norm(tube.points_mm[0] - kept[0]) < 4.0
    assert np.linalg.norm(tube.points_mm[-1] - kept[-1]) < 4.0


def test_the_vena_cava_runs_from_above():
    curve = straight((0.1, 0.0, 1.0), 50.0)
    tube = centreline_of(drawn(curve, 8.0, (1.0, 1.0, 2.0), ["superior_vena_cava"] * len(curve)), "superior_vena_cava")
    assert tube.points_mm[0, 2] > tube.points_mm[-1, 2]


def test_the_order_of_the_image_axes_does_not_matter():
    curve, names = candy_cane(descending=60.0)
    labels = drawn(curve, 12.0, (1.5, 1.5, 2.0), names)
    affine = labels.grid.affine[:, [2, 0, 1, 3]].copy()
    affine[:3, 3] += affine[:3, 1] * (labels.grid.shape[0] - 1)
    affine[:3, 1] *= -1
    data = labels.data.transpose(2, 0, 1)[:, ::-1]
    turned = Labels(data, Grid(data.shape, affine), labels.names)
    one, other = centreline_of(labels, "aorta"), centreline_of(turned, "aorta")
    assert away_from(one.points_mm, other.points_mm)[2:-2].max() < 0.25
    assert np.linalg.norm(one.points_mm[0] - other.points_mm[0]) < 2.0


@pytest.mark.parametrize(("radius", "long"), [(17.0, 50.0), (9.0, 27.0)])
def test_a_short_wide_piece_still_has_its_axis(radius, long):
    curve = straight((0.2, 0.3, 1.0), long)
    labels = drawn(curve, radius, (1.2, 1.2, 1.5))
    assert away_from(curve, centreline_of_mask(labels.data > 0, labels.grid).points_mm).max() < 0.5


def test_a_blob_has_no_centreline():
    curve = straight((0, 0, 1), 10.0)
    labels = drawn(curve, 12.0, (1.5, 1.5, 2.0))
    with pytest.raises(Refusal) as refused:
        centreline_of(labels, "aorta")
    assert refused.value.code == "vessel-too-short"
