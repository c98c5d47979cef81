"""A CT of a tilted gantry comes back on a right-angled grid, every place where it was."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from dicom_twin import SLICES, STEP_MM, dataset, files, in_folder, index
from pydicom.dataset import Dataset

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.results import Ingested
from petproc.core.volume import Volume
from petproc.dicom.tilt import lean, straight_grid, straightened
from petproc.ingest import ingest_scan
from petproc.settings import IngestSettings

SPACING = np.array([2.0, 1.5, 5.0])
WAVE_MM = np.array([40.0, 55.0, 70.0])
AMPLITUDE = 300.0


def phantom(mm: np.ndarray) -> np.ndarray:
    """HU of an analytic body, a product of waves, at RAS+ mm (..., 3)."""
    return np.asarray(AMPLITUDE * np.prod(np.sin(2 * np.pi * mm / WAVE_MM + [0.3, 1.1, 0.7]), axis=-1))


def leaning(degrees: float) -> Grid:
    """Slices that lean about the x axis while the table moves along z."""
    tilt = math.radians(degrees)
    columns = np.array([[-1, 0, 0], [0, -math.cos(tilt), -math.sin(tilt)], [0, 0, 1]]).T * SPACING
    return Grid((60, 50, 30), _affine(columns))


def shifted(degrees: float) -> Grid:
    """Axial slices of which each lies further to the front and the right than the one below."""
    side = math.tan(math.radians(degrees))
    columns = np.array([[-1, 0, 0], [0, -1, 0], [0.6 * side, 0.8 * side, 1]]).T * SPACING
    return Grid((60, 50, 30), _affine(columns))


def _affine(columns: np.ndarray) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = columns, [50.0, 30.0, -200.0]
    return affine


def places(grid: Grid) -> np.ndarray:
    return grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))


def drawn(grid: Grid) -> Volume:
    return Volume(np.asfortranarray(np.rint(phantom(places(grid))).astype(np.int16)), grid, "HU")


TILTED = [leaning(-20), leaning(12), shifted(15), shifted(-25)]


@pytest.mark.parametrize("grid", TILTED)
def test_a_sheared_phantom_comes_back_within_interpolation_error(grid: Grid) -> None:
    straight, finding = straightened(drawn(grid), threads=2)
    index = grid.to_index(places(straight.grid))
    last = np.array(grid.shape) - 1
    inside = ((index >= 0) & (index <= last)).all(axis=-1)
    error = straight.data - phantom(places(straight.grid))
    # linear interpolation is off by at most h^2/8 |f''| along each edge of a cell, here of lengths 2, 1.5 and up to 5.6
    edges = np.linalg.norm(grid.affine[:3, :3], axis=0)
    curvature = AMPLITUDE * np.sum((2 * np.pi / WAVE_MM) ** 2)
    assert np.abs(error[inside]).max() < np.sum(edges**2) / 8 * curvature + 1.0
    assert np.sqrt(np.mean(error[inside] ** 2)) < 4.0
    outside = ((index < -1e-3) | (index > last + 1e-3)).any(axis=-1)
    assert (straight.data[outside] == -1024).all()
    assert inside.sum() > 0.85 * np.prod(grid.shape)
    assert finding.code == "gantry-tilt-corrected"


@pytest.mark.parametrize("grid", TILTED)
def test_the_grid_is_right_angled_of_the_same_spacing_and_holds_all(grid: Grid) -> None:
    straight = straight_grid(grid)
    columns = straight.affine[:3, :3]
    assert np.allclose(columns.T @ columns, np.diag(straight.spacing**2), atol=1e-9)
    assert np.allclose(straight.spacing, SPACING, atol=1e-9)
    corners = straight.to_index(grid.to_mm(np.array(list(np.ndindex(2, 2, 2))) * (np.array(grid.shape) - 1)))
    assert corners.min() > -1e-6
    assert (corners < np.array(straight.shape) - 1 + 1e-6).all()
    assert np.sign(np.linalg.det(columns)) == np.sign(np.linalg.det(grid.affine[:3, :3]))


def test_with_a_tilted_gantry_the_slices_become_axial() -> None:
    columns = straight_grid(leaning(18)).affine[:3, :3]
    assert np.allclose(columns, np.diag([-2.0, -1.5, 5.0]), atol=1e-9)


def test_slices_that_only_shift_keep_their_values() -> None:
    """By whole voxels to the side: no voxel falls between others, so that none is interpolated."""
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    affine[1, 2] = 2.0
    grid = Grid((8, 9, 6), affine)
    data = np.random.default_rng(1).integers(-1000, 1000, grid.shape).astype(np.int16)
    straight, _ = straightened(Volume(data, grid, "HU"), threads=1)
    assert straight.grid.shape == (8, 14, 6)
    for k in range(6):
        assert np.array_equal(straight.data[:, k : k + 9, k], data[:, :, k])
        assert (straight.data[:, :k, k] == -1024).all()
        assert (straight.data[:, k + 9 :, k] == -1024).all()


def test_threads_change_nothing() -> None:
    one, other = (straightened(drawn(TILTED[0]), threads=threads)[0] for threads in (1, 3))
    assert np.array_equal(one.data, other.data)


def test_angle_and_shift_are_those_of_the_gantry() -> None:
    angle, shift = lean(leaning(20))
    assert angle == pytest.approx(20.0)
    assert shift == pytest.approx(29 * 5.0 * math.sin(math.radians(20)))


def test_a_lean_that_no_gantry_has_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        straight_grid(Grid((60, 50, 3000), shifted(85).affine))
    assert refusal.value.code == "gantry-tilt"


def askew(one: Dataset, k: int) -> None:
    one.ImagePositionPatient = [-30, -40 + k, STEP_MM * k]


def ingest(folder: Path, pet=None, ct=None) -> Ingested:
    in_folder(folder, files("PT", pet) | files("CT", ct))
    return ingest_scan(index(folder, "PT"), index(folder, "CT"), settings=IngestSettings(), threads=2, scan="s")


def test_a_tilted_ct_is_ingested_with_a_finding_and_no_slice_is_said_to_be_a_files(tmp_path: Path) -> None:
    done = ingest(tmp_path, ct=askew)
    assert [finding.code for finding in done.findings] == ["gantry-tilt-corrected"]
    assert "14.0 degrees off it (a tilted gantry, up to 9 mm to the side)" in done.findings[0].message
    columns = done.ct.grid.affine[:3, :3]
    assert np.allclose(columns.T @ columns, np.diag([9.0, 4.0, 16.0]), atol=1e-9)
    slices = done.ct_sidecar["petproc"]["slices"]
    assert len(slices) == SLICES
    assert {entry["k"] for entry in slices} == {None}
    # the pixel at column 3, row 6 of slice 4 lies at y -40 + 4 + 6 * 2 = -24 in LPS
    mm = [-(-30 + 3 * 3), 24.0, 16.0]
    assert done.ct.data[tuple(np.rint(done.ct.grid.to_index(mm)).astype(int))] == 463 - 500 - 1024


def test_a_tilted_pet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        ingest(tmp_path, pet=askew)
    assert refusal.value.code == "gantry-tilt"
    assert dataset("PT", 0).Modality == "PT"
