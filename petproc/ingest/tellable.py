"""Tags that a query to the site may name with their values: what SUV depends on, and nothing of who it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from petproc.dicom.header import Header, tag_of

TELLABLE = (
    *("Units", "SUVType", "DecayCorrection", "CorrectedImage", "AttenuationCorrectionMethod", "SeriesType"),
    *("RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartTime"),
    *("RadiopharmaceuticalStartDateTime", "PatientWeight", "PatientSize", "PatientSex"),
    *("FrameReferenceTime", "ActualFrameDuration", "DecayFactor", "RescaleSlope", "RescaleIntercept"),
    *("AcquisitionTime", "SeriesTime", "NumberOfSlices", "NumberOfTimeSlices"),
)
VALUES_MAX = 3
_PLAIN = re.compile(r"[A-Za-z0-9 .,:+\-\\/_]{0,120}")
_NAMED = re.compile(r"([A-Z][A-Za-z0-9]+) \(([0-9A-Fa-f]{4},[0-9A-Fa-f]{4})\)")


def named_in(message: str) -> list[str]:
    """Tags that a message names, as it names them: `PatientWeight (0010,1030)`."""
    return list(dict.fromkeys(f"{name} ({number})" for name, number in _NAMED.findall(message)))


def value_of(tag: str, headers: Sequence[Header]) -> str:
    """What stands in a tag, as it is named in a message; empty where it may not be told."""
    keyword = tag.split(" ")[0]
    if keyword not in TELLABLE:
        return ""
    told = list(dict.fromkeys(_text(keyword, header) for header in headers))
    more = f" and {len(told) - VALUES_MAX} more" if len(told) > VALUES_MAX else ""
    return " or ".join(text or "empty" for text in told[:VALUES_MAX]) + more


def differing(one: Header, other: Header) -> list[str]:
    """Tags in which two headers of one image do not agree."""
    found = [keyword for keyword in TELLABLE if _text(keyword, one) != _text(keyword, other)]
    return [f"{keyword} ({tag_of(keyword) >> 16:04X},{tag_of(keyword) & 0xFFFF:04X})" for keyword in found]


def _text(keyword: str, header: Header) -> str:
    item = next(iter(header.items("RadiopharmaceuticalInformationSequence")), header)
    text = "\\".join(header.texts(keyword) or item.texts(keyword))
    return text if _PLAIN.fullmatch(text) else "not printable"
