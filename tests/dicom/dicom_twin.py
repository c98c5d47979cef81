"""A tiny PET/CT made in code: ten slices of 16 x 16, whose every tag and pixel a test may change."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage

import petproc.dicom.general  # noqa: F401  # values against the standard are made on purpose, and pydicom warns
from petproc.core.tables import IndexRow

SIDE = 16
SLICES = 10
STEP_MM = 4.0
STUDY, FRAME_OF_REFERENCE = "1.2.3.1", "1.2.3.2"
PET_SERIES, CT_SERIES = "1.2.3.10", "1.2.3.20"

Change = Callable[[Dataset, int], None]


def stored(k: int, modality: str) -> np.ndarray:
    """Pixels (rows, columns) that tell their own place: 100 k + 10 row + column, one corner raised."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    plane = 100 * k + 10 * rows + columns
    plane[0, SIDE - 1] += 7
    return plane.astype("<i2") if modality == "PT" else (plane - 500).astype("<i2")


def dataset(modality: str, k: int) -> Dataset:
    """Slice k, counted upwards, at z = 4 k mm; instance numbers run downwards, as on many scanners."""
    one = Dataset()
    series = PET_SERIES if modality == "PT" else CT_SERIES
    one.SOPClassUID = PositronEmissionTomographyImageStorage if modality == "PT" else CTImageStorage
    one.SOPInstanceUID = f"{series}.{SLICES - k}"
    one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = STUDY, series, FRAME_OF_REFERENCE
    one.Modality, one.Manufacturer, one.ManufacturerModelName = modality, "Maker", "Model"
    one.PatientID, one.PatientName, one.PatientBirthDate = "TRIAL-7", "Secret^Person", "19500101"
    one.PatientSex, one.PatientWeight, one.PatientSize = "F", "70", "1.75"
    one.InstitutionName = "Secret Hospital"
    one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    one.SeriesDate = one.AcquisitionDate = one.StudyDate = "20250101"
    one.StudyTime = "105000"
    one.SeriesTime = one.AcquisitionTime = "110000" if modality == "PT" else "105500"
    one.InstanceNumber = SLICES - k
    one.ImagePositionPatient = [-30.0, -40.0, STEP_MM * k]
    one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    one.PixelSpacing = [2.0, 3.0]
    one.Rows = one.Columns = SIDE
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated = one.BitsStored = 16
    one.HighBit, one.PixelRepresentation = 15, 1
    one.PixelData = stored(k, modality).tobytes()
    one.RescaleIntercept, one.RescaleSlope = ("0", str(0.5 + 0.25 * (k % 2))) if modality == "PT" else ("-1024", "1")
    if modality == "PT":
        _add_pet_tags(one)
    else:
        one.KVP, one.Exposure, one.ConvolutionKernel, one.SliceThickness = "120", "40", "STANDARD", "4"
    return one


def _add_pet_tags(one: Dataset) -> None:
    one.Units, one.DecayCorrection = "BQML", "START"
    one.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"]
    one.SeriesType = ["STATIC", "IMAGE"]
    one.ActualFrameDuration = "180000"
    one.FrameReferenceTime = "89715"  # mean count time of 180 s of F-18, ms
    given = Dataset()
    given.RadiopharmaceuticalStartTime = "100000"
    given.RadiopharmaceuticalStartDateTime = "20250101100000"
    given.RadionuclideTotalDose, given.RadionuclideHalfLife = "350000000", "6586.2"
    nuclide = Dataset()
    nuclide.CodeValue, nuclide.CodingSchemeDesignator, nuclide.CodeMeaning = "C-111A1", "SRT", "^18^Fluorine"
    given.RadionuclideCodeSequence = [nuclide]
    one.RadiopharmaceuticalInformationSequence = [given]


def encoded(one: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
    one.file_meta = meta
    stream = io.BytesIO()
    dcmwrite(stream, one, enforce_file_format=True)
    return stream.getvalue()


def files(modality: str, change: Change | None = None, slices: int = SLICES) -> dict[str, bytes]:
    """Name -> content of a series; `change(dataset, k)` edits each slice before it is encoded."""
    made = {}
    for k in range(slices):
        made[f"{modality.lower()}-{SLICES - k:02d}.dcm"] = (
            _changed(modality, k, change) if change else _plain(modality, k)
        )
    return made


@cache
def _plain(modality: str, k: int) -> bytes:
    return encoded(dataset(modality, k))


def _changed(modality: str, k: int, change: Change) -> bytes:
    one = dataset(modality, k)
    change(one, k)
    return encoded(one)


def setting(**tags: Any) -> Change:
    """A change that gives every slice these tags; a tag of the injection is set in its sequence."""

    def change(one: Dataset, _: int) -> None:
        for keyword, value in tags.items():
            injected = keyword.startswith("Radio")
            where = one.RadiopharmaceuticalInformationSequence[0] if injected else one
            if value is None:
                delattr(where, keyword)
            else:
                setattr(where, keyword, value)

    return change


def in_folder(folder: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def in_zip(path: Path, content: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def index(folder: Path, modality: str, slices: int = SLICES) -> list[IndexRow]:
    """Rows for the files of a series that `files` made and that lie in `folder`."""
    series = PET_SERIES if modality == "PT" else CT_SERIES
    numbers: Sequence[int] = range(SLICES - slices + 1, SLICES + 1)
    names = [folder / f"{modality.lower()}-{n:02d}.dcm" for n in numbers]
    return [
        IndexRow(f"{series}.{n}", str(path), None, path.stat().st_size if path.exists() else 0)
        for n, path in zip(numbers, names, strict=True)
    ]
