"""Label maps made elsewhere, brought in against the phantom's true labels and centrelines."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.spatial import cKDTree

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import GUIDES, REGIONS, regions_of
from petproc.core.tables import PointRow
from petproc.core.volume import Labels, Volume
from petproc.phantom import CHEST, make_scan
from petproc.segment import imported, labelled
from petproc.settings import ImportedSettings

NAMES = {name: region.value for name, region in REGIONS.items()}


@pytest.fixture(scope="module")
def chest():
    return make_scan(seed=3, grid=CHEST, noise=0)


@pytest.fixture
def at_the_true_carina(chest, monkeypatch):
    monkeypatch.setattr(labelled, "_carina", lambda _: chest.landmarks["carina"])


@pytest.fixture(scope="module")
def whole(chest):
    """All regions brought in, with the true carina."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(labelled, "_carina", lambda _: chest.landmarks["carina"])
        return brought_in(chest)


def brought_in(chest, labels=None, names=NAMES):
    return imported.segment(chest.ct, labels or chest.labels, names=names, scan="sub-01_ses-baseline")


def places(segmentation, vessel="aorta"):
    rows = [row for row in segmentation.stations if row.vessel == vessel]
    return np.array([[row.x_mm, row.y_mm, row.z_mm] for row in rows]), rows


def without(labels, *regions):
    return Labels(np.where(labels.mask(*regions), 0, labels.data).astype(np.uint8), labels.grid, labels.names)


def codes(segmentation):
    return [finding.code for finding in segmentation.findings]


@pytest.mark.parametrize("vessel", ["aorta", "superior_vena_cava"])
def test_stations_lie_on_the_true_centreline_with_the_true_radius(chest, whole, vessel):
    points, rows = places(whole, vessel)
    truth = chest.vessels[vessel]
    distance, nearest = cKDTree(truth.points_mm).query(points)
    radius = np.array([row.radius_mm for row in rows])
    inner = slice(3, -3)
    assert distance[inner].mean() < 0.5
    assert distance[inner].max() < 1.0
    assert abs((radius - truth.radius_mm[nearest])[inner].mean()) < 0.2
    assert [row.station for row in rows] == list(range(len(rows)))
    assert all(row.ring_score is None and row.visible_fraction is None for row in rows)


def test_arc_length_counts_from_the_descending_limb_at_the_carina(chest, whole):
    points, rows = places(whole)
    truth = chest.vessels["aorta"]
    true_arc = truth.arc_mm[cKDTree(truth.points_mm).query(points)[1]]
    assert np.abs(true_arc - [row.arc_mm for row in rows])[3:-3].max() < 2.0
    along = list(dict.fromkeys(row.region for row in rows))
    assert along == ["ascending_aorta", "aortic_arch", "descending_aorta"]


def test_the_carina_is_found_on_the_ct(chest):
    found = brought_in(chest).landmarks["carina"]
    assert np.linalg.norm(np.subtract(found, chest.landmarks["carina"])[:2]) < 8.0


@pytest.mark.usefixtures("at_the_true_carina")
@pytest.mark.parametrize(("order", "backwards"), [((2, 0, 1), (0,)), ((1, 0, 2), (1, 2)), ((0, 1, 2), (0, 1, 2))])
def test_swapped_and_reversed_axes_are_undone_exactly(chest, whole, order, backwards):
    data = chest.labels.data.transpose(order)
    affine = chest.labels.grid.affine[:, [*order, 3]].copy()
    for axis in backwards:
        affine[:3, 3] += affine[:3, axis] * (data.shape[axis] - 1)
        affine[:3, axis] *= -1
        data = np.flip(data, axis)
    turned = brought_in(chest, Labels(data, Grid(data.shape, affine), chest.labels.names))
    np.testing.assert_array_equal(turned.labels.data, whole.labels.data)
    assert turned.stations == whole.stations


def moved(labels, *, shift=(0.0, 0.0, 0.0), scale=1.0, turn_deg=0.0):
    affine = labels.grid.affine.copy()
    affine[:3, :3] *= scale
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ affine[:3, :3]
    affine[:3, 3] += shift
    return Labels(labels.data, Grid(labels.grid.shape, affine), labels.names)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shift": (0.0, 0.2, 0.0)}, "0.20 mm"),
        ({"scale": 1.01}, "voxels measure"),
        ({"turn_deg": 0.5}, "turned"),
        ({"turn_deg": 45.0}, ""),
    ],
)
def test_labels_off_the_ct_are_refused_with_what_is_wrong(chest, change, words):
    with pytest.raises(Refusal) as refused:
        brought_in(chest, moved(chest.labels, **change))
    assert refused.value.code == "labels-off-grid"
    assert refused.value.scan == "sub-01_ses-baseline"
    assert words in refused.value.reason


def test_labels_of_another_shape_are_refused(chest):
    data = chest.labels.data[:, :, 1:]
    with pytest.raises(Refusal, match="128 x 128 x 47 voxels and the CT 128 x 128 x 48"):
        brought_in(chest, Labels(data, Grid(data.shape, chest.labels.grid.affine), chest.labels.names))


@pytest.mark.usefixtures("at_the_true_carina")
def test_a_header_rounded_by_less_than_the_tolerance_is_the_same_grid(chest, whole):
    close = brought_in(chest, moved(chest.labels, shift=(0.02, -0.02, 0.02)))
    np.testing.assert_array_equal(close.labels.data, whole.labels.data)


@pytest.mark.usefixtures("at_the_true_carina")
def test_other_values_are_named_by_the_settings_and_unnamed_ones_ignored_with_a_finding(chest):
    values = np.array([0, 52, 53, 54, 55, 7], dtype=np.uint8)
    theirs = Labels(values[chest.labels.data], chest.labels.grid, {})
    names = {"ascending_aorta": 52, "aortic_arch": 53, "descending_aorta": 54}
    segmentation = brought_in(chest, theirs, names)
    assert codes(segmentation) == ["labels-ignored"]
    assert "7" in segmentation.findings[0].message
    aorta = chest.labels.data * (chest.labels.data < 4)
    np.testing.assert_array_equal(segmentation.labels.data, aorta)
    assert "no name" in segmentation.absent["superior_vena_cava"]


@pytest.mark.usefixtures("at_the_true_carina")
def test_the_largest_piece_of_a_region_is_kept_with_a_finding(chest, whole):
    data = chest.labels.data.copy()
    data[:3, :2, :2] = NAMES["superior_vena_cava"]
    segmentation = brought_in(chest, Labels(data, chest.labels.grid, chest.labels.names))
    assert codes(segmentation) == ["region-in-pieces"]
    np.testing.assert_array_equal(segmentation.labels.data, whole.labels.data)
    assert f"{12 * chest.labels.grid.voxel_ml:.2f} mL" in segmentation.findings[0].message


@pytest.mark.usefixtures("at_the_true_carina")
def test_a_region_missing_from_the_file_is_absent_and_the_others_are_there(chest):
    segmentation = brought_in(chest, without(chest.labels, "superior_vena_cava"))
    assert set(segmentation.absent) == set(REGIONS) - {"ascending_aorta", "aortic_arch", "descending_aorta"}
    assert {row.vessel for row in segmentation.stations} == {"aorta"}


def test_a_file_without_any_named_value_is_refused(chest):
    with pytest.raises(Refusal) as refused:
        brought_in(chest, chest.labels, {"aortic_arch": 77})
    assert refused.value.code == "labels-empty"


@pytest.mark.usefixtures("at_the_true_carina")
def test_an_aorta_labelled_without_its_arch_keeps_its_arc_length_over_the_gap(chest, whole):
    gap = brought_in(chest, without(chest.labels, "aortic_arch"))
    assert codes(gap) == ["vessel-in-pieces"]
    points, rows = places(gap)
    reference, reference_rows = places(whole)
    assert {row.region for row in rows} == {"ascending_aorta", "descending_aorta"}
    nearest = cKDTree(reference).query(points)[1]
    off = np.array([row.arc_mm - reference_rows[n].arc_mm for row, n in zip(rows, nearest, strict=True)])
    descending = np.array([row.region == "descending_aorta" for row in rows])
    assert np.abs(off[descending]).max() < 2.0
    assert np.abs(off[~descending]).max() < 10.0


def test_a_piece_of_descending_aorta_alone_counts_from_its_upper_end(chest, monkeypatch):
    monkeypatch.setattr(labelled, "_carina", lambda _: None)
    only = without(chest.labels, "ascending_aorta", "aortic_arch", "superior_vena_cava")
    segmentation = brought_in(chest, only)
    assert codes(segmentation) == ["no-landmark"]
    assert segmentation.landmarks == {}
    first, last = segmentation.stations[0], segmentation.stations[-1]
    assert first.arc_mm == 0.0
    assert first.z_mm > last.z_mm


@pytest.mark.usefixtures("at_the_true_carina")
def test_a_region_too_short_for_a_centreline_is_absent_with_the_reason(chest):
    data = chest.labels.data.copy()
    cava = chest.labels.mask("superior_vena_cava")
    middle = int(np.median(np.nonzero(cava)[2]))
    data[:, :, : middle - 1][cava[:, :, : middle - 1]] = 0
    data[:, :, middle + 1 :][cava[:, :, middle + 1 :]] = 0
    segmentation = brought_in(chest, Labels(data, chest.labels.grid, chest.labels.names))
    assert "hardly longer" in segmentation.absent["superior_vena_cava"]
    assert not segmentation.labels.mask("superior_vena_cava").any()


def undivided(labels):
    """The same map with one value, 9, for the whole aorta."""
    aorta = labels.mask(*regions_of("aorta"))
    return Labels(np.where(aorta, 9, np.where(labels.data == 5, 5, 0)).astype(np.uint8), labels.grid, {})


UNDIVIDED = {"aorta": 9, "superior_vena_cava": 5}


@pytest.mark.usefixtures("at_the_true_carina")
def test_an_undivided_aorta_is_split_as_the_phantom_s_is(chest, whole):
    split = brought_in(chest, undivided(chest.labels), UNDIVIDED)
    for name in ("ascending_aorta", "aortic_arch", "descending_aorta"):
        one, other = split.labels.mask(name), chest.labels.mask(name)
        assert 2 * (one & other).sum() / (one.sum() + other.sum()) > 0.95, name
    assert [row.arc_mm for row in split.stations] == pytest.approx([row.arc_mm for row in whole.stations], abs=1e-6)
    assert split.absent["abdominal_aorta"].startswith("the masks hold no aorta, or none that reaches it")


@pytest.mark.usefixtures("at_the_true_carina")
@pytest.mark.parametrize("above_mm", [-10.0, 12.0])
def test_an_undivided_aorta_whose_arch_is_cut_off_has_both_its_limbs_with_the_flow(chest, above_mm):
    """Cut below the carina, no arch is there; cut above, a stump of it on either limb."""
    labels = undivided(chest.labels)
    z = labels.grid.to_mm(np.argwhere(labels.data > -1))[:, 2].reshape(labels.grid.shape)
    labels.data[z > chest.landmarks["carina"][2] + above_mm] = 0
    split = brought_in(chest, labels, UNDIVIDED)
    assert "vessel-in-pieces" in codes(split)
    rows = {name: [row for row in split.stations if row.region == name] for name in regions_of("aorta")}
    assert np.mean([row.tangent_z for row in rows["ascending_aorta"]]) > 0.8
    assert np.mean([row.tangent_z for row in rows["descending_aorta"]]) < -0.8
    assert bool(rows["aortic_arch"]) == (above_mm > 5)
    for name in ("ascending_aorta", "descending_aorta"):
        kept = chest.labels.mask(name) & (labels.data > 0)
        assert 2 * (split.labels.mask(name) & kept).sum() / (split.labels.mask(name).sum() + kept.sum()) > 0.9


def test_an_undivided_aorta_without_landmarks_is_absent_and_the_rest_is_there(chest, monkeypatch):
    monkeypatch.setattr(labelled, "_carina", lambda _: None)
    left = brought_in(chest, undivided(chest.labels), UNDIVIDED)
    assert {row.vessel for row in left.stations} == {"superior_vena_cava"}
    assert "masks of these two branches" in left.absent["aortic_arch"]


@pytest.fixture(scope="module")
def neck():
    """A blank CT of 2 mm with two common carotids, one internal carotid, a jugular vein and two vertebrae."""
    grid = Grid((60, 40, 70), np.array([[-2.0, 0, 0, 60], [0, 2.0, 0, -40], [0, 0, 2.0, 0], [0, 0, 0, 1]]))
    data = np.zeros(grid.shape, dtype=np.uint8)
    x, y, z = np.moveaxis(grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)), -1, 0)

    def tube(name, at, radius, low, high):
        data[(np.hypot(x - at[0], y - at[1]) <= radius) & (z >= low) & (z <= high)] = VALUES[name]

    tube("left_common_carotid", (-30.0, 0.0), 5.0, 10.0, 90.0)
    tube("left_internal_carotid", (-34.0, 2.0), 4.0, 94.0, 130.0)
    tube("right_common_carotid", (30.0, 0.0), 5.0, 10.0, 90.0)
    tube("left_internal_jugular", (-44.0, -4.0), 7.0, 10.0, 120.0)
    for low in (10.0, 50.0):
        tube("vertebral_marrow", (0.0, -20.0), 12.0, low, low + 30.0)
    return Volume(np.zeros(grid.shape, np.int16), grid, "HU"), Labels(data, grid, {})


VALUES = {**NAMES, **GUIDES}


def test_carotids_count_from_their_bifurcation_where_a_branch_or_a_point_shows_it(neck):
    ct, labels = neck
    point = PointRow("01", "baseline", "right_common_carotid", 31.0, 1.0, 80.0, "bifurcation", "r1")
    found = imported.segment(ct, labels, names=VALUES_NO_AORTA, scan="s", points=(point,))
    arcs = {
        vessel: [row.arc_mm for row in found.stations if row.vessel == vessel]
        for vessel in ("left_common_carotid", "right_common_carotid", "left_internal_jugular")
    }
    assert arcs["left_common_carotid"][-1] == pytest.approx(0.0, abs=2.0)
    assert arcs["right_common_carotid"][-1] == pytest.approx(91.0 - 80.0, abs=2.5)
    assert arcs["left_internal_jugular"][0] == 0.0
    assert found.landmarks["right_carotid_bifurcation"] == (31.0, 1.0, 80.0)
    assert found.landmarks["left_carotid_bifurcation"][2] == pytest.approx(91.0, abs=2.0)
    assert codes(found) == []
    heights = {row.vessel: row.tangent_z for row in found.stations}
    assert heights["left_common_carotid"] > 0.9
    assert heights["left_internal_jugular"] < -0.9


def test_a_carotid_whose_bifurcation_nothing_shows_counts_from_its_first_station_and_says_so(neck):
    ct, labels = neck
    found = imported.segment(ct, labels, names=VALUES_NO_AORTA, scan="s")
    assert codes(found) == ["no-landmark"]
    assert "right_common_carotid" in found.findings[0].message
    assert min(row.arc_mm for row in found.stations if row.vessel == "right_common_carotid") == 0.0
    assert "right_carotid_bifurcation" not in found.landmarks


def test_organs_keep_all_their_pieces_and_have_no_stations(neck):
    ct, labels = neck
    found = imported.segment(ct, labels, names=VALUES_NO_AORTA, scan="s")
    marrow = REGIONS["vertebral_marrow"].value
    np.testing.assert_array_equal(found.labels.data == marrow, labels.data == marrow)
    assert "vertebral_marrow" not in {row.region for row in found.stations}
    assert "vertebral_marrow" not in found.absent
    assert found.absent["liver"] == "the masks hold no voxel of it"


VALUES_NO_AORTA = {name: value for name, value in VALUES.items() if name != "aorta"}


def test_names_hold_either_the_undivided_aorta_or_its_parts():
    assert ImportedSettings(names={"aorta": 52, "liver": 5}).names["aorta"] == 52
    with pytest.raises(ValidationError, match="keep one"):
        ImportedSettings(names={"aorta": 52, "aortic_arch": 2})
    with pytest.raises(ValidationError, match="unknown region heart"):
        ImportedSettings(names={"heart": 1})
