"""Slices lie where their positions put them, whatever their numbers and their order."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from dicom_twin import SIDE, SLICES, STEP_MM, dataset, encoded, files, in_folder, index, setting, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.dicom.geometry import stack
from petproc.dicom.header import Header
from petproc.dicom.instance import parse, stored_values
from petproc.dicom.rescale import activity, hounsfield
from petproc.dicom.series import Series, read_series


def read(folder: Path, modality: str = "CT", change=None, slices: int = SLICES) -> Series:
    in_folder(folder, files(modality, change, slices))
    return read_series(index(folder, modality, slices), threads=2)


def refused(folder: Path, change, slices: int = SLICES) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        read(folder, "CT", change, slices)
    return refusal.value


def test_world_is_ras_and_slices_run_upwards(tmp_path: Path) -> None:
    series = read(tmp_path)
    # DICOM (-30, -40, 0) is 30 mm to the right and 40 mm to the front; i steps 3 mm to the left, j 2 mm to the back
    expected = [[-3, 0, 0, 30], [0, -2, 0, 40], [0, 0, STEP_MM, 0], [0, 0, 0, 1]]
    assert np.array_equal(series.grid.affine, expected)
    assert series.position_mm == tuple(STEP_MM * k for k in range(SLICES))
    assert [one.uid.rsplit(".", 1)[1] for one in series.instances] == [str(n) for n in range(SLICES, 0, -1)]


def test_a_pixel_ends_up_at_column_row_slice(tmp_path: Path) -> None:
    volume = hounsfield(read(tmp_path), threads=2)
    assert volume.dtype == np.int16
    assert volume[3, 5, 7] == 100 * 7 + 10 * 5 + 3 - 500 - 1024
    assert volume[15, 0, 2] == 200 + 15 + 7 - 500 - 1024


def test_each_pet_slice_has_its_own_slope(tmp_path: Path) -> None:
    volume = activity(read(tmp_path, "PT"), (1.0,) * SLICES, threads=2)
    assert volume.dtype == np.float32
    assert volume[3, 5, 6] == 0.5 * (600 + 50 + 3)
    assert volume[3, 5, 7] == 0.75 * (700 + 50 + 3)


def test_each_pet_slice_has_its_own_value_factor(tmp_path: Path) -> None:
    volume = activity(read(tmp_path, "PT"), [0.1 * (k + 1) for k in range(SLICES)], threads=2)
    # in double precision: 0.7 * 0.5 * 653 and 0.8 * 0.75 * 753, rounded once
    assert volume[3, 5, 6] == np.float32(228.55)
    assert volume[3, 5, 7] == np.float32(451.8)


@pytest.mark.parametrize("units", ["CNTS", "GML", "CM2ML"])
def test_an_intercept_counts_in_units_where_scanners_write_one(tmp_path: Path, units: str) -> None:
    series = read(tmp_path, "PT", setting(Units=units, RescaleIntercept="4"))
    assert activity(series, (2.0,) * SLICES, threads=1)[3, 5, 6] == (0.5 * 653 + 4) * 2


def test_feet_first_slices_still_run_upwards(tmp_path: Path) -> None:
    series = read(tmp_path, change=setting(ImageOrientationPatient=[-1, 0, 0, 0, 1, 0]))  # the normal points down
    assert series.grid.affine[2, 2] == STEP_MM
    assert series.grid.affine[0, 0] == 3.0
    assert series.position_mm[0] == 0.0


def test_the_order_of_files_and_threads_does_not_matter(tmp_path: Path) -> None:
    in_folder(tmp_path, files("CT"))
    rows = index(tmp_path, "CT")
    one = hounsfield(read_series(rows, threads=1), threads=1)
    other = hounsfield(read_series(rows[::-1][3:] + rows[::-1][:3], threads=4), threads=4)
    assert np.array_equal(one, other)


def test_wobble_at_a_bed_seam_is_accepted_with_a_finding(tmp_path: Path) -> None:
    def seam(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = [-30, -40, STEP_MM * k + (0.1 if k > 4 else 0.0)]

    series = read(tmp_path, change=seam)
    assert [finding.code for finding in series.findings] == ["slice-spacing-wobble"]
    assert series.grid.spacing[2] == pytest.approx((9 * STEP_MM + 0.1) / 9, abs=1e-12)
    assert series.position_mm[9] == pytest.approx(36.1)


def test_gaps_that_wobble_too_much_are_refused(tmp_path: Path) -> None:
    def uneven(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = [-30, -40, STEP_MM * k + (0.3 if k > 4 else 0.0)]

    refusal = refused(tmp_path, uneven)
    assert refusal.code == "slice-spacing-irregular"
    assert "slice 6 (at 16.00 mm) and slice 5 (at 20.30 mm)" in refusal.reason


def test_a_drift_off_the_even_lattice_is_refused() -> None:
    def header(k: int, wider: float) -> Header:
        one = dataset("CT", 0)
        one.ImagePositionPatient = [-30, -40, STEP_MM * k + wider * max(0, k - 20)]
        one.SOPInstanceUID = f"1.2.3.20.{k + 1}"
        return parse(encoded(one))[0]

    # 40 slices, the upper half 4 % wider apart: every gap is near the median, the middle slice 0.78 + mm off its place
    with pytest.raises(Refusal) as refusal:
        stack([header(k, 0.04 * STEP_MM) for k in range(80)])
    assert refusal.value.code == "slice-spacing-irregular"
    assert stack([header(k, 0.01 * STEP_MM) for k in range(80)]).grid.shape == (16, 16, 80)


def test_a_missing_slice_is_refused_and_named(tmp_path: Path) -> None:
    in_folder(tmp_path, files("CT"))
    rows = [row for row in index(tmp_path, "CT") if not row.instance.endswith(".4")]
    with pytest.raises(Refusal, match=r"1 between slice 5 \(at 20.00 mm\) and slice 3 \(at 28.00 mm\)") as refusal:
        read_series(rows, threads=2)
    assert refusal.value.code == "slices-missing"


def test_two_slices_at_one_place_are_refused_and_named(tmp_path: Path) -> None:
    def doubled(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = [-30, -40, STEP_MM * (5 if k == 6 else k)]

    refusal = refused(tmp_path, doubled)
    assert refusal.code == "duplicate-slices"
    assert "slice 4 (at 20.00 mm) and slice 5 (at 20.00 mm)" in refusal.reason


def one_slice_with(**tags):
    change = setting(**tags)
    return lambda one, k: change(one, k) if k == 2 else None


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("mixed-orientation", one_slice_with(ImageOrientationPatient=[0, 1, 0, -1, 0, 0])),
        ("mixed-size", one_slice_with(PixelSpacing=[2.5, 3.0])),
        ("geometry-missing", one_slice_with(ImagePositionPatient=None)),
        ("geometry-missing", one_slice_with(PixelSpacing=[0, 3.0])),
        ("geometry-missing", setting(PixelSpacing=["1e-7", "1e-7"])),
        ("geometry-missing", one_slice_with(ImagePositionPatient=["0", "0", "1e200"])),
        ("not-axial", setting(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])),
        ("orientation-invalid", setting(ImageOrientationPatient=[1, 0, 0, 0.5, 1, 0])),
    ],
)
def test_slices_that_do_not_fit_together_are_refused(tmp_path: Path, code: str, change) -> None:
    refusal = refused(tmp_path, change)
    assert refusal.code == code
    if code.startswith("mixed"):
        assert "1 of 10 slices (slice 8 (at 8.00 mm)) " in refusal.reason


def test_slices_askew_keep_their_lattice_and_say_by_what_angle(tmp_path: Path) -> None:
    def askew(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = [-30, -40 + 3 * k, STEP_MM * k]

    series = read(tmp_path, change=askew)
    assert series.tilt_deg == pytest.approx(math.degrees(math.atan2(3, 4)))
    assert np.allclose(series.grid.affine[:3, 2], [0, -3, 4], atol=1e-12)


def test_a_slice_beside_the_line_of_the_others_is_refused_and_named(tmp_path: Path) -> None:
    def jogged(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = [-30, -40 + (k == 3), STEP_MM * k]

    refusal = refused(tmp_path, jogged)
    assert refusal.code == "slices-shifted-sideways"
    assert "slice 7 (at 12.00 mm) lies 1.0 mm beside" in refusal.reason


@dataclass(frozen=True)
class Way:
    """A way to store one and the same body: which directions are reversed, and in which order the slices come."""

    rows: bool
    columns: bool
    order: tuple[int, ...]


def turned(turn: tuple[float, float, float]) -> np.ndarray:
    """Row, column and slice directions (columns of the result) of slices turned about x, y, z by degrees, in LPS."""
    return np.asarray(Rotation.from_euler("xyz", turn, degrees=True).as_matrix())


def stored_as(way: Way, axes: np.ndarray) -> list[Dataset]:
    """Slices of the twin's pixels along `axes`, stored in this way and numbered in the order in which they come."""
    made = []
    for number, k in enumerate(way.order, start=1):
        one = dataset("CT", k)
        row, column, normal = axes.T
        corner = np.array([-30.0, -40.0, 7.0]) + STEP_MM * k * normal
        plane = stored(k, "CT")
        if way.columns:  # the last column first: the row direction is reversed
            corner, row, plane = corner + 3.0 * (SIDE - 1) * row, -row, plane[:, ::-1]
        if way.rows:
            corner, column, plane = corner + 2.0 * (SIDE - 1) * column, -column, plane[::-1]
        one.ImagePositionPatient = [round(value, 6) for value in corner]
        one.ImageOrientationPatient = [round(value, 9) for value in (*row, *column)]
        one.InstanceNumber, one.SOPInstanceUID = number, f"1.2.3.20.{number}"
        one.PixelData = np.ascontiguousarray(plane).tobytes()
        made.append(one)
    return made


def placed(slices: list[Dataset]) -> tuple[Grid, np.ndarray]:
    """The volume [i, j, k] as the library puts it together."""
    files = [encoded(one) for one in slices]
    headers, offsets = zip(*map(parse, files), strict=True)
    where = stack(headers)
    planes = [stored_values(headers[n], files[n], offsets[n]).T for n in where.frames[0]]
    return where.grid, np.stack(planes, axis=-1)


WAYS = st.builds(Way, st.booleans(), st.booleans(), st.permutations(range(SLICES)).map(tuple))
TURNS = st.tuples(st.floats(-25, 25), st.floats(-25, 25), st.floats(-180, 180))


@settings(max_examples=25, deadline=None)
@given(WAYS, TURNS)
def test_however_a_body_is_stored_every_value_is_at_its_place(way: Way, turn: tuple[float, float, float]) -> None:
    axes = turned(turn)
    grid, volume = placed(stored_as(way, axes))
    i, j, k = np.indices(volume.shape)
    offset = (np.stack([3.0 * i, 2.0 * j, STEP_MM * k], axis=-1) @ axes.T) + [-30.0, -40.0, 7.0]
    index = grid.to_index(offset * [-1, -1, 1])  # the twin's own column, row, slice in the grid that was found
    whole = np.rint(index).astype(int)
    assert np.abs(index - whole).max() < 1e-4
    assert np.array_equal(
        volume[tuple(np.moveaxis(whole, -1, 0))], np.stack([stored(n, "CT").T for n in range(SLICES)], -1)
    )
    assert grid.affine[2, 2] > 0  # k runs upwards


@pytest.mark.parametrize("turn", [(0, 0, 0), (20, -15, 30), (0, 0, 180), (180, 0, 0), (0, 180, 90)])
def test_world_places_are_those_of_highdicom(turn: tuple[float, float, float]) -> None:
    slices = stored_as(Way(True, False, (3, 1, 2, 0, 5, 4, 9, 8, 7, 6)), turned(turn))
    grid, volume = placed(slices)
    theirs = highdicom.get_volume_from_series(
        [pydicom.dcmread(io.BytesIO(encoded(one))) for one in slices], apply_modality_transform=False
    )
    n = np.indices(theirs.array.shape).reshape(3, -1).T
    ras = (np.c_[n, np.ones(len(n))] @ theirs.affine.T)[:, :3] * [-1, -1, 1]
    index = grid.to_index(ras)
    whole = np.rint(index).astype(int)
    assert np.abs(index - whole).max() < 1e-4
    assert np.array_equal(volume[tuple(whole.T)], theirs.array.ravel())


def test_two_slices_are_no_volume(tmp_path: Path) -> None:
    assert refused(tmp_path, None, slices=2).code == "too-few-slices"
