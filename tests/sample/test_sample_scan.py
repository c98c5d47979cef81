"""One scan to tables: a candy cane and a vena cava in an otherwise empty body."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tubes import CandyCane, StraightTube, acquisition, centres, grid_around, still

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import LABEL_NAMES, REGIONS
from petproc.core.results import Segmentation
from petproc.core.tables import DEPTH_QUANTILES, FAR_MM, VOXEL_COLUMNS, Station
from petproc.core.volume import Labels, Volume
from petproc.io import write_json, write_table
from petproc.sample import rows as rows_module
from petproc.sample import sample_scan
from petproc.sample.motion import matrix_of
from petproc.settings import SampleSettings

CANE = CandyCane(radius=11.0, bend=26.0, rise=30.0, foot=-30.0)
CAVA = StraightTube(np.array([24.0, 6.0, 40.0]), np.array([0.0, 0.0, -1.0]), 40.0, 7.0)
BODY = ([-80.0, -70.0, -40.0], [55.0, 45.0, 85.0])


@pytest.fixture(scope="module")
def ct():
    grid = grid_around(*BODY, (1.95, 1.95, 3.0))
    return Volume(np.full(grid.shape, 40, np.int16), grid, "HU")


@pytest.fixture(scope="module")
def pet():
    """Activity that tells the voxel: 1000 + its number modulo 997."""
    grid = grid_around([-75.0, -66.0, -36.0], [50.0, 40.0, 80.0], (4.0, 4.0, 3.0))
    data = 1000 + np.arange(np.prod(grid.shape), dtype=np.float32).reshape(grid.shape) % 997
    return Volume(data, grid, "Bq/mL")


@pytest.fixture(scope="module")
def segmentation(ct):
    mm = centres(ct.grid)
    ascends = mm @ CANE.across < CANE.bend
    region = np.where(mm[..., 2] > CANE.rise, "aortic_arch", np.where(ascends, "ascending_aorta", "descending_aorta"))
    data = np.zeros(ct.grid.shape, np.uint8)
    for name in ("ascending_aorta", "aortic_arch", "descending_aorta"):
        data[CANE.inside(mm) & (region == name)] = REGIONS[name].value
    data[CAVA.inside(mm)] = REGIONS["superior_vena_cava"].value
    stations = (*CANE.stations(), *CAVA.stations("superior_vena_cava", "superior_vena_cava"))
    return Segmentation(
        Labels(data, ct.grid, LABEL_NAMES),
        stations,
        "imported",
        scores={"aortic_arch": {"path_cost": 1.2}},
        absent={"abdominal_aorta": "It is not in view."},
        landmarks={"carina": (0.0, -20.0, 10.0)},
    )


def sample(pet, ct, segmentation, alignment=None, threads=1):
    return sample_scan(
        pet,
        ct,
        acquisition(pet.grid.shape[2]),
        segmentation,
        alignment or still(),
        settings=SampleSettings(),
        threads=threads,
        scan="sub-01_ses-baseline",
    )


@pytest.fixture(scope="module")
def sampled(pet, ct, segmentation):
    return sample(pet, ct, segmentation)


def column(table, name):
    return table.column(name).to_numpy()


def index_of(table):
    return np.stack([column(table, axis).astype(int) for axis in "ijk"], axis=1)


def test_voxel_columns_have_the_names_types_and_order_of_the_contract(sampled):
    schema = [(field.name, field.type) for field in sampled.voxels.schema]
    assert schema == [(name, pa.type_for_alias(kind)) for name, kind in VOXEL_COLUMNS.items()]
    assert all(sampled.voxels.column(name).null_count == 0 for name in VOXEL_COLUMNS)


def test_rows_are_sorted_by_region_k_j_i_and_none_is_there_twice(sampled):
    value = np.array([REGIONS[name].value for name in sampled.voxels.column("region").to_pylist()])
    i, j, k = index_of(sampled.voxels).T
    keys = list(zip(value.tolist(), k.tolist(), j.tolist(), i.tolist(), strict=True))
    assert keys == sorted(set(keys))


def test_activity_is_that_of_the_voxel(sampled, pet):
    np.testing.assert_array_equal(column(sampled.voxels, "activity"), pet.data[tuple(index_of(sampled.voxels).T)])


def test_deeper_quantiles_follow_each_other(sampled):
    depths = np.stack([column(sampled.voxels, f"depth_p{q}") for q in DEPTH_QUANTILES], axis=1)
    assert (np.diff(depths, axis=1) >= 0).all()


def test_a_row_names_the_nearest_station_of_its_own_region(sampled, pet, segmentation):
    for region, vessel in (("descending_aorta", "aorta"), ("superior_vena_cava", "superior_vena_cava")):
        rows = sampled.voxels.filter(pc.equal(sampled.voxels.column("region"), region))
        own = [s for s in segmentation.stations if s.region == region]
        z = pet.grid.to_mm(index_of(rows))[:, 2]
        nearest = np.abs(z[:, None] - [s.z_mm for s in own]).min(axis=1)
        height = {s.station: s.z_mm for s in segmentation.stations if s.vessel == vessel}
        assert {s.station for s in own} >= set(column(rows, "station").tolist())
        given = np.abs(z - [height[n] for n in column(rows, "station").tolist()])
        straight = z < CANE.rise - 8.0
        np.testing.assert_allclose(given[straight], nearest[straight], atol=0.15)


def test_the_vena_cava_lies_ten_millimetres_from_the_ascending_aorta(sampled, pet):
    """Axes 24.7 mm apart: from the cava's axis 13.7 mm to the aorta's wall; and the other way round 17.7 mm."""
    for region, place, expected in (
        ("superior_vena_cava", [24.0, 6.0, 15.0], 13.7),
        ("ascending_aorta", [0.0, 0.0, 15.0], 17.7),
    ):
        rows = sampled.voxels.filter(pc.equal(sampled.voxels.column("region"), region))
        mm = pet.grid.to_mm(index_of(rows))
        nearest = np.argmin(np.linalg.norm(mm - place, axis=1))
        off = np.linalg.norm((mm[nearest] - place)[:2])
        assert column(rows, "vessel_mm")[nearest] == pytest.approx(expected, abs=off + 1.2)


def test_without_lung_in_view_distances_are_far_and_a_finding_says_so(sampled):
    assert [finding.code for finding in sampled.findings] == ["no-lung-in-view"]
    for name in ("lung_mm", "myocardium_mm"):
        np.testing.assert_array_equal(column(sampled.voxels, name), FAR_MM)


def test_stations_keep_every_field_and_gain_their_place_in_the_pet(sampled, segmentation, pet):
    rows = sampled.stations.to_pylist()
    names = list(Station.__dataclass_fields__)
    assert [Station(**{name: row[name] for name in names}) for row in rows] == list(segmentation.stations)
    assert list(rows[0])[len(names) :] == ["in_pet", "acquisition_min", "pet_k"]
    for row in rows:
        assert row["pet_k"] == pytest.approx((row["z_mm"] - pet.grid.affine[2, 3]) / 3.0)


def test_a_station_is_in_the_pet_when_its_whole_section_is_with_a_voxel_to_spare(pet, ct, segmentation):
    """A PET whose uppermost plane is at 24 mm ends at 25.5 mm: a horizontal section counts up to 22.5 mm."""
    shape = (*pet.grid.shape[:2], 21)
    lower = Volume(pet.data[:, :, :21], Grid(shape, pet.grid.affine), "Bq/mL")
    assert lower.grid.to_mm([0, 0, 20])[2] == pytest.approx(24.0)
    rows = sample(lower, ct, segmentation).stations.to_pylist()
    cava = {row["z_mm"]: row["in_pet"] for row in rows if row["vessel"] != "aorta"}
    assert cava[22.0]
    assert not cava[24.0]


def test_uptake_time_is_that_of_the_bed_at_the_place(sampled, pet):
    half = pet.grid.shape[2] // 2
    for row in sampled.stations.to_pylist():
        k = round(row["pet_k"])
        expected = None if not 0 <= k < pet.grid.shape[2] else (60.0 if k < half else 62.0)
        assert row["acquisition_min"] == expected


def test_an_unknown_injection_time_leaves_the_uptake_time_empty(pet, ct, segmentation):
    unknown = sample_scan(
        pet,
        ct,
        acquisition(pet.grid.shape[2], injected=None),
        segmentation,
        still(),
        settings=SampleSettings(),
        threads=1,
        scan="",
    )
    assert unknown.stations.column("acquisition_min").null_count == len(segmentation.stations)


def test_the_sidecar_says_what_the_tables_cannot(sampled, pet, tmp_path):
    sidecar = sampled.sidecar
    assert sidecar["scores"] == {"aortic_arch": {"path_cost": 1.2}}
    assert sidecar["absent"] == {"abdominal_aorta": "It is not in view."}
    assert sidecar["landmarks"] == {"carina": [0.0, -20.0, 10.0]}
    assert sidecar["settings"] == {"reach_mm": 12.0}
    assert Grid(tuple(sidecar["pet_shape"]), np.array(sidecar["pet_affine"])).matches(pet.grid)
    counts = dict(zip(*np.unique(sampled.voxels.column("region").to_pylist(), return_counts=True), strict=True))
    assert sidecar["rows"] == counts
    write_json(tmp_path / "sample.json", sidecar)


@pytest.mark.parametrize(("threads", "points", "voxels"), [(2, 16384, 2048), (3, 1000, 77)])
def test_threads_and_chunks_do_not_change_a_byte(
    sampled, pet, ct, segmentation, tmp_path, monkeypatch, threads, points, voxels
):
    monkeypatch.setattr(rows_module, "CHUNK_POINTS", points)
    monkeypatch.setattr(rows_module, "CHUNK_VOXELS", voxels)
    again = sample(pet, ct, segmentation, threads=threads)
    for name in ("voxels", "stations"):
        write_table(tmp_path / "a.parquet", getattr(sampled, name))
        write_table(tmp_path / "b.parquet", getattr(again, name))
        assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def flipped(volume_or_labels):
    """The same image stored with all three axes the other way round."""
    grid = volume_or_labels.grid
    turn = np.diag([-1.0, -1.0, -1.0, 1.0])
    turn[:3, 3] = np.array(grid.shape) - 1
    data = np.ascontiguousarray(volume_or_labels.data[::-1, ::-1, ::-1])
    return replace(volume_or_labels, data=data, grid=Grid(grid.shape, grid.affine @ turn))


def test_the_way_the_ct_is_stored_does_not_matter(sampled, pet, ct, segmentation):
    turned = sample(pet, flipped(ct), replace(segmentation, labels=flipped(segmentation.labels)))
    for name in VOXEL_COLUMNS:
        if name == "region":
            assert turned.voxels.column(name) == sampled.voxels.column(name)
        else:
            np.testing.assert_allclose(column(turned.voxels, name), column(sampled.voxels, name), atol=1e-3)


def test_the_way_the_pet_is_stored_does_not_matter(sampled, pet, ct, segmentation):
    turned = sample(flipped(pet), ct, segmentation)
    last = np.array(pet.grid.shape) - 1
    there = {
        (region, *place): row
        for region, place, row in zip(
            turned.voxels.column("region").to_pylist(),
            (last - index_of(turned.voxels)).tolist(),
            np.stack([column(turned.voxels, n) for n in ("activity", "depth_p10", "depth_p90", "angle_deg")], 1),
            strict=True,
        )
    }
    here = list(zip(sampled.voxels.column("region").to_pylist(), index_of(sampled.voxels).tolist(), strict=True))
    assert {(region, *place) for region, place in here} == set(there)
    found = np.array([there[(region, *place)] for region, place in here])
    for n, name in enumerate(("activity", "depth_p10", "depth_p90")):
        np.testing.assert_allclose(found[:, n], column(sampled.voxels, name), atol=2e-3)


TILT = still(True, translation=(5.0, -3.0, 4.0), rotation=(3.0, -2.0, 4.0), centre=(0.0, -20.0, 30.0))


def test_angles_about_x_then_y_then_z_about_the_centre():
    """90 degrees about x takes y to z; then 90 about z takes x to y: from (1, 1, 0) by (1, 0, 1) to (0, 1, 1)."""
    matrix = matrix_of(still(True, rotation=(90.0, 0.0, 90.0), centre=(2.0, 3.0, 4.0), translation=(10.0, 0.0, 0.0)))
    np.testing.assert_allclose(matrix @ [3.0, 4.0, 4.0, 1.0], [12.0, 4.0, 5.0, 1.0], atol=1e-12)


def test_an_applied_alignment_moves_the_vessels_to_where_the_pet_has_them(sampled, pet, ct, segmentation):
    """With the CT displaced by the inverse motion, the applied alignment gives the rows of the CT in place."""
    back = np.linalg.inv(matrix_of(TILT))

    def displaced(grid):
        return Grid(grid.shape, back @ grid.affine)

    stations = tuple(
        replace(
            s,
            **dict(zip(("x_mm", "y_mm", "z_mm"), (back @ [s.x_mm, s.y_mm, s.z_mm, 1.0])[:3], strict=True)),
            **dict(
                zip(
                    ("tangent_x", "tangent_y", "tangent_z"),
                    back[:3, :3] @ [s.tangent_x, s.tangent_y, s.tangent_z],
                    strict=True,
                )
            ),
        )
        for s in segmentation.stations
    )
    labels = Labels(segmentation.labels.data, displaced(ct.grid), LABEL_NAMES)
    moved = replace(segmentation, labels=labels, stations=stations)
    applied = sample(pet, Volume(ct.data, displaced(ct.grid), "HU"), moved, TILT)
    assert applied.sidecar["alignment_applied"]
    assert applied.voxels.num_rows == sampled.voxels.num_rows
    for name in ("i", "j", "k", "depth_p50", "vessel_mm"):
        np.testing.assert_allclose(column(applied.voxels, name), column(sampled.voxels, name), atol=0.05)


def test_an_alignment_that_is_not_applied_is_told_and_moves_nothing(sampled, pet, ct, segmentation):
    told = sample(pet, ct, segmentation, replace(TILT, applied=False))
    assert told.voxels.equals(sampled.voxels)
    assert told.sidecar["translation_mm"] == [5.0, -3.0, 4.0]
    assert not told.sidecar["alignment_applied"]


def test_labels_on_another_grid_are_refused(pet, ct, segmentation):
    shifted = Grid(ct.grid.shape, ct.grid.affine + np.eye(4, k=3))
    wrong = replace(segmentation, labels=Labels(segmentation.labels.data, shifted, LABEL_NAMES))
    with pytest.raises(Refusal) as refusal:
        sample(pet, ct, wrong)
    assert (refusal.value.code, refusal.value.scan) == ("labels-not-on-ct", "sub-01_ses-baseline")


def test_a_pet_of_another_place_is_refused(pet, ct, segmentation):
    affine = np.array(pet.grid.affine)
    affine[2, 3] += 500.0
    with pytest.raises(Refusal) as refusal:
        sample(Volume(pet.data, Grid(pet.grid.shape, affine), "Bq/mL"), ct, segmentation)
    assert refusal.value.code == "no-vessel-in-pet"


def test_a_region_with_a_centreline_but_no_labels_has_a_reason_and_no_rows(pet, ct, segmentation):
    data = segmentation.labels.data.copy()
    data[data == REGIONS["descending_aorta"].value] = 0
    erased = sample(pet, ct, replace(segmentation, labels=Labels(data, ct.grid, LABEL_NAMES)))
    assert erased.sidecar["absent"]["descending_aorta"] == "It has a centreline but no labels."
    assert "descending_aorta" not in erased.sidecar["rows"]
    assert erased.sidecar["rows"]["aortic_arch"] > 0


def test_a_region_with_labels_but_no_centreline_has_a_reason_and_no_rows(pet, ct, segmentation):
    stations = tuple(s for s in segmentation.stations if s.vessel == "aorta")
    headless = sample(pet, ct, replace(segmentation, stations=stations))
    assert headless.sidecar["absent"]["superior_vena_cava"].startswith("It has labels but no centreline")
    assert headless.sidecar["blood_bq_per_ml"] == pytest.approx(1500, abs=400)


def test_where_an_edit_took_the_labels_away_nothing_is_measured(sampled, pet, ct, segmentation):
    """The descending aorta erased from 0 to 15 mm: no rows from 3 to 12 mm, the others as they were."""
    data = segmentation.labels.data.copy()
    z = centres(ct.grid)[..., 2]
    data[(data == REGIONS["descending_aorta"].value) & (z > 0) & (z < 15)] = 0
    edited = sample(pet, ct, replace(segmentation, labels=Labels(data, ct.grid, LABEL_NAMES)))
    assert "stations-off-labels" in [finding.code for finding in edited.findings]
    heights = {}
    for name, sampled_scan in (("whole", sampled), ("edited", edited)):
        at = np.array(sampled_scan.voxels.column("region").to_pylist()) == "descending_aorta"
        at &= column(sampled_scan.voxels, "depth_p50") >= 0
        heights[name] = pet.grid.to_mm(index_of(sampled_scan.voxels)[at])[:, 2]
    assert not ((heights["edited"] > 3) & (heights["edited"] < 12)).any()
    assert (heights["edited"] < -6).sum() == pytest.approx((heights["whole"] < -6).sum(), rel=0.03)


def test_a_centreline_beside_its_labels_measures_nothing(pet, ct, segmentation):
    aside = tuple(replace(s, x_mm=s.x_mm + 60.0) if s.vessel == "aorta" else s for s in segmentation.stations)
    missed = sample(pet, ct, replace(segmentation, stations=aside))
    assert list(missed.sidecar["rows"]) == ["superior_vena_cava"]
    assert missed.sidecar["absent"]["aortic_arch"].startswith("It has labels but no centreline")


def test_a_vessel_in_pieces_is_sampled_in_pieces(sampled, pet, ct, segmentation):
    """Without the arch, ascending and descending aorta keep their rows but for those next to the missing part."""
    data = segmentation.labels.data.copy()
    data[data == REGIONS["aortic_arch"].value] = 0
    stations = tuple(s for s in segmentation.stations if s.region != "aortic_arch")
    parts = sample(pet, ct, replace(segmentation, labels=Labels(data, ct.grid, LABEL_NAMES), stations=stations))
    for region in ("ascending_aorta", "descending_aorta"):
        assert parts.sidecar["rows"][region] == pytest.approx(sampled.sidecar["rows"][region], rel=0.08)
    assert "aortic_arch" not in parts.sidecar["rows"]
