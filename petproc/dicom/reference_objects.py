"""The reference objects of `reference_catalogue` as DICOM files.

A region holds SUV by body weight of 0.20 at least, 1.00 in the median and 4.00 at most; other values lie around it.
Stored numbers are rounded to the nearest, so that every SUV of the region is right within half a step. Every byte
follows from the name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage

from petproc.core.grid import Grid
from petproc.dicom.reference_catalogue import (
    BED_EVERY_S,
    DOSE_BQ,
    FRAME_S,
    HEIGHT_CM,
    REFERENCE_OBJECTS,
    SLICES,
    WAITED_S,
    WEIGHT_KG,
    ReferenceObject,
    bed,
)
from petproc.dicom.write import IMPLEMENTATION, uid

EXPECTED_SUV = (0.20, 1.00, 4.00)
"""Smallest, median and largest SUV by body weight in the region of every object."""

SIDE, STEP_MM = 24, 4.0


@dataclass(frozen=True, eq=False)
class Written:
    """`EXPECTED_SUV` holds in `region[i, j, k]` of `grid`, within half of `step` (SUV per stored unit)."""

    region: NDArray[np.bool_]
    grid: Grid
    step: float


def write_reference_object(folder: Path, name: str) -> Written:
    """Write object `name` into `folder`, one file a slice, the uppermost first; `folder` is made."""
    what = REFERENCE_OBJECTS[name]
    suv, region = _picture()
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(SLICES):
        one = _common(name, what)
        _add_own_tags(one, what)
        _add_times(one, what, k)
        one.RescaleSlope = what.slope(k)
        stored = np.rint(suv[:, :, k] / (what.suv_per_value(k) * float(what.slope(k))))
        _save(folder, one, stored, k)
    step = max(what.suv_per_value(k) * float(what.slope(k)) for k in range(SLICES))
    lps_to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    return Written(region, Grid(suv.shape, lps_to_ras @ np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])), step)


def _picture() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """SUV [i, j, k] and the region: no axis of it can be swapped or turned without being noticed."""
    i, j, k = np.ogrid[0:SIDE, 0:SIDE, 0:SLICES]
    region = ((i - 9) ** 2 + (j - 13) ** 2 <= 36) & (k >= 1) & (k <= SLICES - 3)
    lowest, median, highest = EXPECTED_SUV
    suv = np.where(region, median, 0.05)
    suv[7, 11, :] = np.where(region[7, 11, :], lowest, 0.1)
    suv[12, 15, :] = np.where(region[12, 15, :], highest, 5.0)
    suv[3, 4, :] = 6.0
    return suv, region


def _common(name: str, what: ReferenceObject) -> Dataset:
    one = Dataset()
    one.SOPClassUID, one.Modality = PositronEmissionTomographyImageStorage, "PT"
    one.StudyInstanceUID, one.SeriesInstanceUID = uid("reference", name), uid("reference", name, "PET")
    one.FrameOfReferenceUID = uid("reference", name, "space")
    one.ImageType, one.SeriesNumber = ["ORIGINAL", "PRIMARY"], 1
    one.SeriesDescription = f"Reference {name}"
    one.Manufacturer, one.PatientName, one.PatientID = "Synthetic", "Reference^Object", "REFERENCE"
    one.PatientSex, one.PatientSize, one.PatientWeight = "O", f"{HEIGHT_CM / 100:g}", f"{WEIGHT_KG:g}"
    one.PatientPosition = "HFS"
    one.StudyDate, one.StudyTime = f"{what.started:%Y%m%d}", f"{what.started:%H%M%S}"
    one.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"]
    one.SeriesType = ["STATIC" if what.beds == 1 else "WHOLE BODY", "IMAGE"]
    one.Units, one.DecayCorrection, one.CountsSource = "BQML", "START", "EMISSION"
    one.RescaleIntercept = "0"
    injected = what.started - timedelta(seconds=WAITED_S)
    given, nuclide = Dataset(), Dataset()
    given.Radiopharmaceutical = "FDG"
    given.RadiopharmaceuticalStartTime = f"{injected:%H%M%S}"
    given.RadiopharmaceuticalStartDateTime = f"{injected:%Y%m%d%H%M%S}"
    given.RadionuclideTotalDose, given.RadionuclideHalfLife = f"{DOSE_BQ:.0f}", str(what.half_life_s)
    nuclide.CodeValue, nuclide.CodingSchemeDesignator, nuclide.CodeMeaning = "C-111A1", "SRT", "^18^Fluorine"
    given.RadionuclideCodeSequence = [nuclide]
    one.RadiopharmaceuticalInformationSequence = [given]
    return one


def _add_own_tags(one: Dataset, what: ReferenceObject) -> None:
    given = one.RadiopharmaceuticalInformationSequence[0]
    for tag, value in what.tags.items():
        if isinstance(tag, int):
            one.add_new(tag, *value)
            continue
        place = given.RadionuclideCodeSequence[0] if tag.startswith("Code") else given if tag in given else one
        if value is None:
            delattr(place, tag)
        else:
            setattr(place, tag, value)


def _add_times(one: Dataset, what: ReferenceObject, k: int) -> None:
    """FrameReferenceTime is the instant at which the activity equals its mean over the frame; DecayFactor says 1."""
    started_s = what.acquired_s + BED_EVERY_S * bed(k, what.beds)
    acquired = what.started + timedelta(seconds=started_s)
    series = what.started + timedelta(seconds=what.series_s)
    one.SeriesDate, one.SeriesTime = f"{series:%Y%m%d}", f"{series:%H%M%S}"
    one.AcquisitionDate, one.AcquisitionTime = f"{acquired:%Y%m%d}", f"{acquired:%H%M%S}"
    decay = math.log(2) / what.half_life_s
    exponent = decay * FRAME_S
    mean_s = math.log(exponent / (1 - math.exp(-exponent))) / decay
    one.ActualFrameDuration = f"{1000 * FRAME_S:.0f}"
    one.FrameReferenceTime = f"{1000 * (started_s + mean_s - what.frame_reference_off_s):.3f}"
    one.DecayFactor = "1.0"


def _save(folder: Path, one: Dataset, stored: NDArray[np.float64], k: int) -> None:
    """Slice k; `stored` is [i, j]."""
    number = SLICES - k
    one.SOPInstanceUID, one.InstanceNumber = uid(one.SeriesInstanceUID, str(number)), number
    one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, STEP_MM * k], [1, 0, 0, 0, 1, 0]
    one.PixelSpacing, one.SliceThickness = [STEP_MM, STEP_MM], STEP_MM
    one.Rows = one.Columns = SIDE
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 16, 15, 0
    one.PixelData = np.ascontiguousarray(stored.T.astype("<u2")).tobytes()
    one.file_meta = FileMetaDataset()
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.ImplementationClassUID = IMPLEMENTATION
    one.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)
