"""Deliveries of others: a real PET/CT, series to choose from, and what is no volume."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from deliveries import rows_by_folder
from scipy.interpolate import RegularGridInterpolator

from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.suv import suv_per_activity
from petproc.core.tables import IndexRow, ScanRow
from petproc.dicom.files import Files
from petproc.dicom.instance import parse, stored_values
from petproc.dicom.rescale import hounsfield
from petproc.dicom.series import read_series
from petproc.ingest import ingest_scan
from petproc.ingest.inventory import take_inventory
from petproc.ingest.scan import read_ct_values, read_pet
from petproc.ingest.written import SeriesRow
from petproc.io import read_rows
from petproc.settings import IngestSettings

Shared = Callable[[str], Path]
SETTINGS = IngestSettings()


def of(study: Path, uid: str) -> list[IndexRow]:
    return read_rows(layout.path(layout.INDEX, study, series=uid), IndexRow)


def scans(study: Path) -> list[ScanRow]:
    return read_rows(layout.path(layout.SCANS, study), ScanRow)


def test_the_real_pet_ct_is_paired_and_ingested(shared: Shared, tmp_path: Path) -> None:
    take_inventory(tmp_path, [shared("petct_real.zip")])
    (row,) = scans(tmp_path)
    assert row.include == "yes"
    assert "another frame of reference" in row.reason
    done = ingest_scan(of(tmp_path, row.pet), of(tmp_path, row.ct), settings=SETTINGS, threads=2, scan="s")
    assert {finding.code for finding in done.findings} == {"slice-spacing-wobble", "frames-of-reference-differ"}
    assert done.pet.grid.shape == (128, 128, 234)
    assert done.ct.grid.shape == (512, 512, 296)
    assert done.ct.grid.spacing[2] == pytest.approx(2.5, abs=1e-6)
    assert f"{suv_per_activity(done.acquisition):.9f}" == "0.000255764"  # the RWV object of the delivery
    # bed by bed: 60 minutes after the injection at the thighs, 90 at the neck
    assert done.acquisition.uptake_min(0) == pytest.approx(60.03, abs=0.01)
    assert done.acquisition.uptake_min(233) == pytest.approx(90.2, abs=0.1)
    assert (done.ct.data[:, :, 148] > -200).mean() == pytest.approx(0.3, abs=0.15)


@pytest.mark.parametrize(("person", "factor"), [("R01-005", "0.000177393"), ("R01-012", "0.000186552")])
def test_the_right_series_are_chosen(shared: Shared, tmp_path: Path, person: str, factor: str) -> None:
    take_inventory(tmp_path, [shared("petct_series_choice.zip")], keep_ids=True)
    row = next(row for row in scans(tmp_path) if row.participant == person.replace("-", ""))
    names = {"PET": of(tmp_path, row.pet)[0].member, "CT": of(tmp_path, row.ct)[0].member}
    assert "PETBODYCTAC" in str(names["PET"])
    assert "CT Images" in str(names["CT"])
    done = ingest_scan(of(tmp_path, row.pet), of(tmp_path, row.ct), settings=SETTINGS, threads=2, scan="s")
    assert f"{suv_per_activity(done.acquisition):.9f}" == factor
    assert done.findings == ()
    left_out = [
        one for one in read_rows(layout.path(layout.EXCLUDED_SERIES, tmp_path), SeriesRow) if one.role == "left out"
    ]
    uncorrected = [one for one in left_out if one.modality == "PT"]
    assert len(uncorrected) == 2
    for one in uncorrected:
        with pytest.raises(Refusal) as refusal:
            read_pet(of(tmp_path, one.series), settings=SETTINGS, threads=2)
        assert refusal.value.code == "units-not-supported"


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("dicom2nifti_failing/notavolume/001", "duplicate-slices"),
        ("dicom2nifti_failing/slicecount/001", "too-few-slices"),
        ("dicom2nifti_failing/sliceincrement/001", "slices-missing"),
        ("dicom2nifti_failing/sliceincrement/002", "slices-missing"),
        ("dicom2nifti_failing/sliceorientation/001", "mixed-orientation"),
        ("dicom2nifti_generic/anatomical/001", "not-axial"),
        ("duplicate_positions", "duplicate-slices"),
    ],
)
def test_what_is_no_volume_is_refused_in_words(shared: Shared, folder: str, code: str) -> None:
    rows = rows_by_folder(shared("dicom_hard.zip"))[f"dicom_hard.zip/{folder}"]
    with pytest.raises(Refusal) as refusal:
        hounsfield(read_series(rows, threads=2), threads=2)
    assert refusal.value.code == code


def test_a_ct_of_a_tilted_gantry_is_put_upright(shared: Shared) -> None:
    """Its rows run along x, its columns lean by 14 degrees, its table moves by 5 mm along z: interpolated by hand."""
    delivery = shared("dicom_hard.zip")
    rows = rows_by_folder(delivery)["dicom_hard.zip/dicom2nifti_failing/gantrytilting/001"]
    series = read_series(rows, threads=2)
    ct, findings = read_ct_values(series, threads=2)
    assert [finding.code for finding in findings] == ["gantry-tilt-corrected"]
    assert np.allclose(ct.grid.affine[:3, :3], np.diag([-0.41796875, -0.41796875, 5.0]), atol=1e-9)
    with zipfile.ZipFile(delivery) as archive:
        slices = [pydicom.dcmread(io.BytesIO(archive.read(str(row.member)))) for row in rows]
    slices.sort(key=lambda one: one.ImagePositionPatient[2])
    planes = np.stack([one.pixel_array * one.RescaleSlope + one.RescaleIntercept for one in slices])
    (x0, y0, z0), (_, _, _, _, cosine, sine) = slices[0].ImagePositionPatient, slices[0].ImageOrientationPatient
    i, j, k = (axis.ravel()[::5] for axis in np.indices(ct.grid.shape))
    x, y, z = (ct.grid.to_mm(np.c_[i, j, k]) * [-1, -1, 1]).T
    row = (y - y0) / cosine / 0.41796875
    place = np.c_[(z - z0 - (y - y0) / cosine * sine) / 5, row, (x - x0) / 0.41796875]
    inside = (place > 0.001).all(axis=1) & (place < np.array(planes.shape) - 1.001).all(axis=1)
    expected = RegularGridInterpolator([np.arange(n) for n in planes.shape], planes)(place[inside])
    assert inside.mean() > 0.19  # 15 mm of slices that lean over 52 mm
    assert np.abs(ct.data[i[inside], j[inside], k[inside]] - expected).max() < 0.51


@pytest.mark.parametrize(
    "name",
    [
        "anatomical/001",
        "anatomical/001_implicit",
        "compressed/001",
        "compressed_j2k/001",
        "compressed_jpeg/001",
        "compressed_jpegls/001",
        "compressed_rle/001",
    ],
)
def test_compressed_pixels_are_those_of_the_ground_truth(shared: Shared, name: str) -> None:
    import gzip

    from nibabel import Nifti1Image

    delivery = shared("dicom_hard.zip")
    folder = f"dicom2nifti_generic/{name}"
    with zipfile.ZipFile(delivery) as archive:
        truth = Nifti1Image.from_bytes(gzip.decompress(archive.read(f"{folder}_ground_truth.nii.gz")))
    planes = []
    with Files() as files:
        for row in rows_by_folder(delivery)[f"dicom_hard.zip/{folder}"]:
            content = files.read(row.path, row.member)
            header, offset = parse(content)
            planes.append(stored_values(header, content, offset))
    assert np.array_equal(np.sort(np.ravel(planes)), np.sort(np.ravel(np.asanyarray(truth.dataobj))))


def test_colour_pictures_are_refused(shared: Shared) -> None:
    rows = rows_by_folder(shared("dicom_hard.zip"))["dicom_hard.zip/dicom2nifti_generic/rgb/001"]
    with pytest.raises(Refusal, match="colour picture"):
        hounsfield(read_series(rows, threads=2), threads=2)
