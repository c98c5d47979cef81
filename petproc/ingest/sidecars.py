"""What is written beside the images: PET-BIDS keys (BIDS 1.11) at the top level, ours under `petproc`.

Nothing here is a name, birth date, original identifier, institution or path. Instance UIDs and hashes are kept: they
are the way back to the delivery. Text of the delivery is taken only from tags about scanner and reconstruction, one
line of at most 64 characters. What BIDS demands as a number and the delivery does not tell is "n/a": `ingest.dataset`
leaves such a scan out of the dataset.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from petproc.core.acquisition import PetAcquisition
from petproc.dicom.header import Header
from petproc.dicom.series import Instance, Series
from petproc.ingest.derivation import Derivation

UNKNOWN = "n/a"

_ITERATIONS = re.compile(r"\b(\d{1,3})i(\d{1,3})s\b")
"""`PSF+TOF 4i21s`, as Siemens writes it: iterations and subsets."""
_GAUSS = re.compile(r"gauss(?:ian)? ?(\d{1,2}(?:\.\d+)?)\b", re.IGNORECASE)
"""`XYZ Gauss5.00`: full width at half maximum in mm."""
_CODE = re.compile(r"[A-Z0-9_ ]{1,16}")
_UID = re.compile(r"[0-9.]{1,64}")


def pet_sidecar(pet: Series, known: Derivation) -> dict[str, Any]:
    """Times in seconds after TimeZero: the whole second of the injection or, where that is unknown, of the scan."""
    told = known.acquisition
    return {
        "Modality": "PT",
        "Manufacturer": told.manufacturer or UNKNOWN,
        "ManufacturersModelName": told.model or UNKNOWN,
        "Units": told.unit,
        **_tracer(told),
        **_times(told),
        **_reconstruction(pet.first, told),
        "petproc": {
            "acquisition": told.to_json(),
            "reference_time": known.reference.to_json() if known.reference else None,
            "suv": dict(known.card),
            "corrections": [name for name in pet.first.texts("CorrectedImage") if _CODE.fullmatch(name)],
            **_origin(pet),
            "slices": _slices(pet, told),
            "files": _files(pet),
        },
    }


def _tracer(told: PetAcquisition) -> dict[str, Any]:
    activity = told.injected_activity_bq
    return {
        "TracerName": told.tracer,
        "TracerRadionuclide": told.radionuclide,
        "InjectedRadioactivity": UNKNOWN if activity is None else activity / 1e6,
        "InjectedRadioactivityUnits": "MBq",
        "InjectedMass": UNKNOWN,
        "InjectedMassUnits": UNKNOWN,
        "SpecificRadioactivity": UNKNOWN,
        "SpecificRadioactivityUnits": UNKNOWN,
        "ModeOfAdministration": UNKNOWN,
    }


def _times(told: PetAcquisition) -> dict[str, Any]:
    start = min(told.slice_acquisition_time)
    zero = (told.injection_time or start).replace(microsecond=0)
    ends = [
        (time - start).total_seconds() + length
        for time, length in zip(told.slice_acquisition_time, told.slice_duration_s, strict=True)
    ]
    return {
        "TimeZero": f"{zero:%H:%M:%S}",
        "ScanStart": _after(zero, start),
        "InjectionStart": _after(zero, told.injection_time),
        "FrameTimesStart": [_after(zero, start)],
        "FrameDuration": [max(ends)],
        "AcquisitionMode": "static",
        "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": _after(zero, told.decay_reference_time),
    }


def _after(zero: datetime, time: datetime | None) -> float | str:
    return UNKNOWN if time is None else (time - zero).total_seconds()


def _reconstruction(first: Header, told: PetAcquisition) -> dict[str, Any]:
    """Lists are empty where the delivery names a method or filter without its numbers: BIDS has no word for that."""
    kernel = first.words("ConvolutionKernel")
    numbers = _ITERATIONS.search(told.reconstruction)
    width = _GAUSS.search(kernel or "")
    methods = {
        key: words
        for key in ("ScatterCorrectionMethod", "RandomsCorrectionMethod")
        if (words := first.words(key)) is not None
    }
    return {
        "ReconMethodName": told.reconstruction or UNKNOWN,
        "ReconMethodParameterLabels": ["iterations", "subsets"] if numbers else [],
        "ReconMethodParameterUnits": ["none", "none"] if numbers else [],
        "ReconMethodParameterValues": [int(number) for number in numbers.groups()] if numbers else [],
        "ReconFilterType": kernel or UNKNOWN,
        "ReconFilterSize": float(width[1]) if width else [],
        "AttenuationCorrection": first.words("AttenuationCorrectionMethod") or UNKNOWN,
        **methods,
        "ScaleFactor": [1.0],
    }


def ct_sidecar(ct: Series) -> dict[str, Any]:
    first = ct.first
    return {
        "Modality": "CT",
        "Manufacturer": first.words("Manufacturer") or UNKNOWN,
        "ManufacturersModelName": first.words("ManufacturerModelName") or UNKNOWN,
        "Units": "HU",
        "KVP": _known(first.number("KVP")),
        "XRayExposure": _known(first.number("Exposure")),
        "XRayTubeCurrent": _known(first.number("XRayTubeCurrent")),
        "ConvolutionKernel": first.words("ConvolutionKernel") or UNKNOWN,
        "SliceThickness": _known(first.number("SliceThickness")),
        "ReconstructionDiameter": _known(first.number("ReconstructionDiameter")),
        "petproc": {**_origin(ct), "slices": _slices(ct, None), "files": _files(ct)},
    }


def _origin(series: Series) -> dict[str, Any]:
    frame = series.first.text("FrameOfReferenceUID") or ""
    return {
        "series": series.first.text("SeriesInstanceUID"),
        "frame_of_reference": frame if _UID.fullmatch(frame) else UNKNOWN,
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


def _known(value: float | None) -> float | str:
    return UNKNOWN if value is None else value
