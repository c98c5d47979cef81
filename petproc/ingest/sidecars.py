"""What is written beside the images: PET-BIDS keys (BIDS 1.11) at the top level, ours under `petproc`.

Nothing here is a name, birth date, original identifier, institution or path. Instance UIDs and hashes are kept: they
are the way back to the delivery.
"""

from __future__ import annotations

from typing import Any

from petproc.core.acquisition import PetAcquisition
from petproc.dicom.series import Instance, Series
from petproc.ingest.derivation import Derivation

UNKNOWN = "n/a"


def pet_sidecar(pet: Series, known: Derivation) -> dict[str, Any]:
    """Times in seconds after TimeZero, which is the injection or, where that is unknown, the start of the scan."""
    told = known.acquisition
    start = min(told.slice_acquisition_time)
    zero = told.injection_time or start
    ends = [
        (time - start).total_seconds() + length
        for time, length in zip(told.slice_acquisition_time, told.slice_duration_s, strict=True)
    ]
    scan_start = (start - zero).total_seconds()
    decay_time = (told.decay_reference_time - zero).total_seconds() if told.decay_reference_time else None
    return {
        "Modality": "PT",
        "Manufacturer": told.manufacturer or UNKNOWN,
        "ManufacturersModelName": told.model or UNKNOWN,
        "Units": "Bq/mL",
        "TracerName": told.tracer,
        "TracerRadionuclide": told.radionuclide,
        "InjectedRadioactivity": _known(told.injected_activity_bq, 1e-6),
        "InjectedRadioactivityUnits": "MBq",
        "InjectedMass": UNKNOWN,
        "InjectedMassUnits": UNKNOWN,
        "SpecificRadioactivity": UNKNOWN,
        "SpecificRadioactivityUnits": UNKNOWN,
        "ModeOfAdministration": UNKNOWN,
        "TimeZero": zero.strftime("%H:%M:%S"),
        "ScanStart": scan_start,
        "InjectionStart": 0.0 if told.injection_time else UNKNOWN,
        "FrameTimesStart": [scan_start],
        "FrameDuration": [max(ends)],
        "AcquisitionMode": "static",
        "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": UNKNOWN if decay_time is None else decay_time,
        "ReconMethodName": told.reconstruction or UNKNOWN,
        "ReconMethodParameterLabels": [UNKNOWN],
        "ReconMethodParameterUnits": [UNKNOWN],
        "ReconMethodParameterValues": [UNKNOWN],
        "ReconFilterType": pet.first.text("ConvolutionKernel") or UNKNOWN,
        "ReconFilterSize": UNKNOWN,
        "AttenuationCorrection": pet.first.text("AttenuationCorrectionMethod") or UNKNOWN,
        "petproc": {
            "acquisition": told.to_json(),
            "reference_time": known.reference.to_json() if known.reference else None,
            "corrections": list(pet.first.texts("CorrectedImage")),
            **_origin(pet),
            "slices": _slices(pet, told),
            "files": _files(pet),
        },
    }


def ct_sidecar(ct: Series) -> dict[str, Any]:
    first = ct.first
    return {
        "Modality": "CT",
        "Manufacturer": first.text("Manufacturer") or UNKNOWN,
        "ManufacturersModelName": first.text("ManufacturerModelName") or UNKNOWN,
        "Units": "HU",
        "KVP": _known(first.number("KVP")),
        "XRayExposure": _known(first.number("Exposure")),
        "XRayTubeCurrent": _known(first.number("XRayTubeCurrent")),
        "ConvolutionKernel": first.text("ConvolutionKernel") or UNKNOWN,
        "SliceThickness": _known(first.number("SliceThickness")),
        "ReconstructionDiameter": _known(first.number("ReconstructionDiameter")),
        "petproc": {**_origin(ct), "slices": _slices(ct, None), "files": _files(ct)},
    }


def _origin(series: Series) -> dict[str, Any]:
    return {
        "series": series.first.text("SeriesInstanceUID"),
        "frame_of_reference": series.first.text("FrameOfReferenceUID") or UNKNOWN,
    }


def _slices(series: Series, told: PetAcquisition | None) -> list[dict[str, Any]]:
    """Where each slice came from: `k` is null where the image was resampled, so that no slice is that of one file."""
    return [
        {
            "k": None if series.tilt_deg else k,
            **_image(instance),
            "acquisition_time": _time_of(series, k, told),
            "position_mm": series.position_mm[k],
            **({"averaged": [_image(frame[k]) for frame in series.frames]} if len(series.frames) > 1 else {}),
        }
        for k, instance in enumerate(series.instances)
    ]


def _image(instance: Instance) -> dict[str, Any]:
    """With the number of the frame where the file holds several."""
    return {"instance": instance.uid, **({"frame": instance.frame} if instance.frame else {})}


def _time_of(series: Series, k: int, told: PetAcquisition | None) -> str:
    time = told.slice_acquisition_time[k] if told else series.instances[k].header.moment("Acquisition")
    return time.isoformat() if time else UNKNOWN


def _files(series: Series) -> list[dict[str, Any]]:
    return [{"instance": one.instance, "sha256": one.sha256, "size": one.size} for one in series.files]


def _known(value: float | None, scale: float = 1.0) -> float | str:
    return UNKNOWN if value is None else value * scale
