"""What the attributes of an enhanced PET or CT frame are called in a classic image, with the same meaning and unit.

Only what says the same thing is translated; a value that is there in classic words already is never replaced by a
derived one, but for the times and the type of the frame, which the frame itself knows best.
"""

from __future__ import annotations

import re

from petproc.dicom.header import Header, tag_of
from petproc.dicom.moments import moment_of
from petproc.dicom.units import real_world_values

CORRECTIONS = {
    "DecayCorrected": "DECY",
    "AttenuationCorrected": "ATTN",
    "ScatterCorrected": "SCAT",
    "DeadTimeCorrected": "DTIM",
    "GantryMotionCorrected": "MOTN",
    "PatientMotionCorrected": "PMOT",
    "CountLossNormalizationCorrected": "CLN",
    "RandomsCorrected": "RAN",
    "NonUniformRadialSamplingCorrected": "RADL",
    "SensitivityCalibrated": "DCAL",
    "DetectorNormalizationCorrection": "NORM",
}
"""Flags of the enhanced PET and the words of CorrectedImage (0028,0051) for them (PS3.3 C.8.9.1)."""
_EXPOSURE = {"ExposureInmAs": "Exposure", "XRayTubeCurrentInmA": "XRayTubeCurrent", "ExposureTimeInms": "ExposureTime"}


def classic_values(frame: Header) -> dict[int, bytes]:
    """Classic elements, tag -> bytes, that follow from the enhanced ones of a merged frame header."""
    words: dict[str, str] = {}
    if frame_type := frame.texts("FrameType"):
        words["ImageType"] = "\\".join(frame_type)
    words |= _times(frame)
    if frame.text("Modality") == "PT":
        words |= _pet(frame)
    else:
        for enhanced, classic in _EXPOSURE.items():
            value = frame.number(enhanced)
            if value is not None and frame.text(classic) is None:
                words[classic] = f"{value:.10g}"
    return {tag_of(keyword): value.encode() for keyword, value in words.items()}


def _times(frame: Header) -> dict[str, str]:
    """Begin and length of the frame; a zone that is printed with the time becomes the header's where it has none."""
    words = {}
    if duration := frame.number("FrameAcquisitionDuration"):
        words["ActualFrameDuration"] = f"{duration:.10g}"
    text = frame.text("FrameAcquisitionDateTime")
    if not text and not frame.moment("Acquisition"):
        text = frame.text("AcquisitionDateTime")
    if text and (begin := moment_of(text, frame.zone)):
        zone = re.search(r"[+-]\d{4}$", text)
        if zone and not frame.text("TimezoneOffsetFromUTC"):
            words["TimezoneOffsetFromUTC"] = zone[0]
        elif zone:
            begin = begin.astimezone(frame.zone)
        words |= {"AcquisitionDate": f"{begin:%Y%m%d}", "AcquisitionTime": f"{begin:%H%M%S.%f}"}
    return words


def _pet(frame: Header) -> dict[str, str]:
    words = _corrections(frame)
    if frame.text("Units") is None:
        words |= real_world_values(frame)
    if frame.text("FrameReferenceTime") is None and frame.text("DecayCorrected") == "YES":
        reference = moment_of(frame.text("DecayCorrectionDateTime"), frame.zone)
        middle = moment_of(frame.text("FrameReferenceDateTime"), frame.zone)
        if reference and middle:
            words["FrameReferenceTime"] = f"{(middle - reference).total_seconds() * 1000:.10g}"
    if frame.text("AttenuationCorrectionMethod") is None and (source := frame.text("AttenuationCorrectionSource")):
        words["AttenuationCorrectionMethod"] = source
    if frame.text("ReconstructionMethod") is None and (method := _reconstruction(frame)):
        words["ReconstructionMethod"] = method
    return words


def _corrections(frame: Header) -> dict[str, str]:
    words = {}
    flags = {term: frame.text(keyword) for keyword, term in CORRECTIONS.items()}
    if not frame.texts("CorrectedImage") and any(flags.values()):
        words["CorrectedImage"] = "\\".join(term for term, flag in flags.items() if flag == "YES")
    decay = {"YES": "START", "NO": "NONE"}.get(flags["DECY"] or "")
    if frame.text("DecayCorrection") is None and decay:
        words["DecayCorrection"] = decay
    return words


def _reconstruction(frame: Header) -> str:
    """Algorithm, dimensions, time of flight, iterations and subsets in one line, such as `RAMLA 3D TOF 3i21s`."""
    parts = [frame.text("ReconstructionAlgorithm"), frame.text("ReconstructionType")]
    parts.append("TOF" if frame.text("TimeOfFlightInformationUsed") == "TRUE" else None)
    iterations, subsets = frame.integer("NumberOfIterations"), frame.integer("NumberOfSubsets")
    parts.append(f"{iterations}i{subsets}s" if iterations and subsets else None)
    return " ".join(part for part in parts if part)
