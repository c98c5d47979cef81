"""The CTs of others in `../shared/data`, read through the product's own door where it takes them."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray

from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.dicom.series import read_series
from petproc.ingest.gather import gather
from petproc.ingest.scan import read_ct_values

REFERENCE = "ct_vessel_reference"
PETCT = "petct_real.zip"


def nifti_ct(path: Path) -> Volume:
    image = nibabel.load(path)
    return Volume(np.asarray(image.dataobj).astype(np.int16), Grid(image.shape, image.affine), "HU")


def nifti_values(path: Path) -> NDArray[np.uint8]:
    return np.asarray(nibabel.load(path).dataobj).astype(np.uint8)


def dicom_ct(delivery: Path) -> Volume:
    """The CT series with most slices of a folder or archive."""
    series = [one for one in gather([delivery]).series.values() if one.modality == "CT"]
    longest = max(series, key=lambda one: len(one.rows))
    ct, _ = read_ct_values(read_series(list(longest.rows.values()), threads=2), threads=2)
    return ct


def nameless_dicom_ct(folder: Path) -> Volume:
    """Axial slices whose headers were emptied of every UID, so that `ingest` cannot tell what they belong to."""
    slices = sorted((pydicom.dcmread(file) for file in folder.iterdir()), key=lambda one: one.ImagePositionPatient[2])
    planes = [one.pixel_array.T * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices]
    x, y, z = (float(part) for part in slices[0].ImagePositionPatient)
    row, column = (float(part) for part in slices[0].PixelSpacing)
    affine = np.diag([-column, -row, float(slices[1].ImagePositionPatient[2]) - z, 1.0])
    affine[:3, 3] = (-x, -y, z)
    data = np.stack(planes, axis=2).astype(np.int16)
    return Volume(data, Grid(data.shape, affine), "HU")
