"""PET and CT series as two makers of scanners write them, for the digital trial.

A `siemens` PET has mean-count FrameReferenceTime and RadiopharmaceuticalStartDateTime; a `ge` PET has the frame's
start in FrameReferenceTime, only the time of the injection, and the private scan time (GEMS_PETD_01). Both are
decay-corrected to SeriesTime (START), with a slope of its own in every slice. Every byte follows from the arguments.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage

from petproc.core.acquisition import PetAcquisition, Sex
from petproc.core.grid import Grid
from petproc.core.volume import Volume

Dialect = Literal["siemens", "ge"]

IMPLEMENTATION = UID("2.25.230977391465311905741652210857309148277")
FULL_SCALE = 32767
CORRECTIONS = {
    "siemens": ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"],
    "ge": ["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"],
}
_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Study:
    """One visit: who, on which dialect of scanner, and how the PET was acquired.

    `key` is any text that names the visit; all UIDs are derived from it.
    """

    key: str
    dialect: Dialect
    patient_id: str
    patient_name: str
    birth_date: date
    description: str
    acquisition: PetAcquisition


def uid(*names: str) -> str:
    """A UID under 2.25 (ITU-T X.667) made from the names alone."""
    return f"2.25.{int.from_bytes(hashlib.sha256('/'.join(names).encode()).digest()[:16], 'big')}"


def write_pet(folder: Path, pet: Volume, study: Study, *, attenuation_corrected: bool = True) -> None:
    """One file a slice, the uppermost first; Bq/mL, rounded to 1/32767 of the hottest voxel of its slice."""
    name = "PET" if attenuation_corrected else "PET-NAC"
    slices = _pet_template(study, name, attenuation_corrected)
    _place(slices, pet.grid)
    slices.NumberOfSlices = pet.grid.shape[2]
    for number, k in enumerate(reversed(range(pet.grid.shape[2])), start=1):
        plane = np.maximum(pet.data[:, :, k], 0.0)
        slope = _decimal(float(plane.max()) / FULL_SCALE or 1.0)
        stored = np.minimum(np.rint(plane / float(slope)), FULL_SCALE).astype("<u2")
        slices.RescaleSlope = slope
        slices.ImageIndex = number
        _pet_times(slices, study, k)
        _save(folder, slices, stored, pet.grid, k=k, number=number)


def write_ct(folder: Path, ct: Volume, study: Study) -> None:
    """One file a slice, the uppermost first; HU."""
    slices = _ct_template(study, "CT", ["ORIGINAL", "PRIMARY", "AXIAL"])
    _place(slices, ct.grid)
    for number, k in enumerate(reversed(range(ct.grid.shape[2])), start=1):
        stored = (ct.data[:, :, k].astype(np.int32) + 1024).astype("<u2")
        _save(folder, slices, stored, ct.grid, k=k, number=number)


def write_scout(folder: Path, ct: Volume, study: Study) -> None:
    """The frontal localiser from which a scan is planned: one image, no measurement."""
    scout = _ct_template(study, "SCOUT", ["ORIGINAL", "PRIMARY", "LOCALIZER"])
    scout.SeriesNumber, scout.SeriesDescription = 1, "Topogram"
    frontal = ct.data.mean(axis=1, dtype=np.float64)[:, ::-1]
    stored = (np.rint(frontal) + 1024).astype("<u2")
    size = ct.grid.spacing
    scout.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    scout.PixelSpacing = [_decimal(size[2]), _decimal(size[0])]
    scout.Rows, scout.Columns = stored.shape[1], stored.shape[0]
    scout.SliceThickness = _decimal(size[1])
    _save(folder, scout, stored, ct.grid, k=ct.grid.shape[2] - 1, number=1)


def _place(slices: Dataset, grid: Grid) -> None:
    axes = grid.affine[:3, :3] / grid.spacing * _LPS[:, None]
    slices.ImageOrientationPatient = [_decimal(value) for value in (*axes[:, 0], *axes[:, 1])]
    slices.PixelSpacing = [_decimal(grid.spacing[1]), _decimal(grid.spacing[0])]
    slices.SliceThickness = _decimal(grid.spacing[2])
    slices.Rows, slices.Columns = grid.shape[1], grid.shape[0]


def _save(folder: Path, slices: Dataset, stored: NDArray[np.uint16], grid: Grid, *, k: int, number: int) -> None:
    """Write plane (I, J) `stored` as instance `number`."""
    position = grid.to_mm([0, 0, k]) * _LPS
    slices.ImagePositionPatient = [_decimal(value) for value in position]
    slices.SliceLocation = _decimal(position[2])
    slices.InstanceNumber = number
    slices.SOPInstanceUID = uid(slices.SeriesInstanceUID, str(number))
    slices.PixelData = np.ascontiguousarray(stored.T).tobytes()
    slices.file_meta.MediaStorageSOPInstanceUID = slices.SOPInstanceUID
    folder.mkdir(parents=True, exist_ok=True)
    slices.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)


def _template(study: Study, series: str, sop_class: UID, started: datetime) -> Dataset:
    """What all instances of a series share."""
    slices = Dataset()
    slices.file_meta = FileMetaDataset()
    slices.file_meta.MediaStorageSOPClassUID = sop_class
    slices.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slices.file_meta.ImplementationClassUID = IMPLEMENTATION
    slices.file_meta.ImplementationVersionName = "PETPROC"
    acquisition = study.acquisition
    visit = acquisition.slice_acquisition_time[0] - timedelta(minutes=12)
    slices.SpecificCharacterSet = "ISO_IR 100"
    slices.SOPClassUID = sop_class
    slices.StudyDate, slices.StudyTime = _day(visit), _clock(visit)
    slices.SeriesDate, slices.SeriesTime = _day(started), _clock(started)
    slices.AcquisitionDate, slices.AcquisitionTime = _day(started), _clock(started)
    slices.ContentDate, slices.ContentTime = _day(started), _clock(started)
    slices.AccessionNumber = ""
    slices.Manufacturer, slices.ManufacturerModelName = acquisition.manufacturer, acquisition.model
    slices.ReferringPhysicianName = ""
    slices.StudyDescription = study.description
    slices.PatientName, slices.PatientID = study.patient_name, study.patient_id
    slices.PatientBirthDate = study.birth_date.strftime("%Y%m%d")
    _about_patient(slices, acquisition.sex, acquisition.height_m, acquisition.weight_kg)
    slices.PatientPosition = "HFS"
    slices.StudyInstanceUID = uid(study.key)
    slices.SeriesInstanceUID = uid(study.key, series)
    slices.FrameOfReferenceUID = uid(study.key, "space")
    slices.StudyID, slices.PositionReferenceIndicator = "1", ""
    slices.SamplesPerPixel, slices.PhotometricInterpretation = 1, "MONOCHROME2"
    slices.BitsAllocated, slices.BitsStored, slices.HighBit, slices.PixelRepresentation = 16, 16, 15, 0
    return slices


def _about_patient(slices: Dataset, sex: Sex | None, height_m: float | None, weight_kg: float | None) -> None:
    slices.PatientSex = sex or ""
    slices.PatientSize = None if height_m is None else _decimal(height_m)
    slices.PatientWeight = None if weight_kg is None else _decimal(weight_kg)


def _ct_template(study: Study, series: str, image_type: Sequence[str]) -> Dataset:
    started = study.acquisition.slice_acquisition_time[0] - timedelta(minutes=2)
    slices = _template(study, series, CTImageStorage, started)
    slices.Modality, slices.ImageType = "CT", list(image_type)
    slices.SeriesNumber, slices.SeriesDescription = 2, "CT low dose 3 mm"
    slices.KVP, slices.XRayTubeCurrent, slices.ConvolutionKernel = "120", 40, "STANDARD"
    slices.RescaleIntercept, slices.RescaleSlope, slices.RescaleType = "-1024", "1", "HU"
    return slices


def _pet_template(study: Study, series: str, attenuation_corrected: bool) -> Dataset:
    acquisition = study.acquisition
    assert acquisition.decay_reference_time
    slices = _template(study, series, PositronEmissionTomographyImageStorage, acquisition.decay_reference_time)
    slices.Modality, slices.ImageType = "PT", ["ORIGINAL", "PRIMARY"]
    slices.SeriesNumber = 4 if attenuation_corrected else 5
    slices.SeriesDescription = "PET WB" if attenuation_corrected else "PET WB uncorrected"
    slices.SeriesType, slices.Units, slices.CountsSource = ["WHOLE BODY", "IMAGE"], "BQML", "EMISSION"
    slices.DecayCorrection = acquisition.decay_correction
    done = [name for name in CORRECTIONS[study.dialect] if attenuation_corrected or name not in ("ATTN", "SCAT")]
    slices.CorrectedImage = done
    slices.AttenuationCorrectionMethod = "measured,CTAC" if attenuation_corrected else "NONE"
    slices.ScatterCorrectionMethod = "Model-based" if attenuation_corrected else "NONE"
    slices.RandomsCorrectionMethod = "DLYD" if study.dialect == "siemens" else "SING"
    slices.ReconstructionMethod = acquisition.reconstruction
    slices.CollimatorType = "NONE"
    slices.RescaleIntercept = "0"
    slices.RadiopharmaceuticalInformationSequence = [_injection(study)]
    _private_start(slices, study)
    return slices


def _injection(study: Study) -> Dataset:
    acquisition = study.acquisition
    assert acquisition.injection_time and acquisition.injected_activity_bq
    item = Dataset()
    item.Radiopharmaceutical = "Fluorodeoxyglucose" if study.dialect == "siemens" else "FDG -- fluorodeoxyglucose"
    item.RadiopharmaceuticalStartTime = acquisition.injection_time.strftime("%H%M%S.00")
    item.RadionuclideTotalDose = _decimal(acquisition.injected_activity_bq)
    item.RadionuclideHalfLife = _decimal(acquisition.half_life_s)
    item.RadionuclidePositronFraction = "0.97"
    if study.dialect == "siemens":
        item.RadiopharmaceuticalStartDateTime = acquisition.injection_time.strftime("%Y%m%d%H%M%S.000000")
    item.RadionuclideCodeSequence = [_code("C-111A1", "^18^Fluorine" if study.dialect == "siemens" else "18F")]
    item.RadiopharmaceuticalCodeSequence = [_code("C-B1031", "Fluorodeoxyglucose F^18^")]
    return item


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SNM3", meaning
    return item


def _private_start(slices: Dataset, study: Study) -> None:
    start = study.acquisition.decay_reference_time
    assert start
    if study.dialect == "ge":
        slices.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", start.strftime("%Y%m%d%H%M%S.00"))
    else:
        block = slices.private_block(0x0071, "SIEMENS MED PT", create=True)
        block.add_new(0x22, "DT", start.strftime("%Y%m%d%H%M%S.000000"))


def _pet_times(slices: Dataset, study: Study, k: int) -> None:
    """Times of the bed that holds slice k."""
    acquisition = study.acquisition
    start, duration = acquisition.slice_acquisition_time[k], acquisition.slice_duration_s[k]
    assert acquisition.decay_reference_time
    waited = (start - acquisition.decay_reference_time).total_seconds()
    decay = math.log(2.0) / acquisition.half_life_s
    within = decay * duration / -math.expm1(-decay * duration)
    slices.AcquisitionDate, slices.AcquisitionTime = _day(start), _clock(start)
    slices.ContentDate, slices.ContentTime = _day(start), _clock(start)
    slices.ActualFrameDuration = round(duration * 1000)
    reference = waited + (math.log(within) / decay if study.dialect == "siemens" else 0.0)
    slices.FrameReferenceTime = _decimal(round(reference * 1000, 3))
    slices.DecayFactor = f"{within * math.exp(decay * waited):.6g}"


def _day(moment: datetime) -> str:
    return moment.strftime("%Y%m%d")


def _clock(moment: datetime) -> str:
    return moment.strftime("%H%M%S") + (f".{moment.microsecond:06d}" if moment.microsecond else "")


def _decimal(value: float) -> str:
    """As DS: at most 16 characters."""
    return f"{value + 0.0:.9g}"
