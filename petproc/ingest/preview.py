"""What ingest will say of a PET, from its headers at inventory time: queries before any hour of computing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from petproc.core.acquisition import TAG_OF
from petproc.core.errors import Finding, Refusal
from petproc.dicom.header import Header
from petproc.dicom.series import Instance, Series, SourceFile, assembled
from petproc.ingest.derivation import derive
from petproc.ingest.ledger import EMPTY
from petproc.ingest.queries import Noted
from petproc.ingest.seen import SeriesSeen
from petproc.ingest.window import one_image
from petproc.settings import IngestSettings

TELLABLE = (
    *("Units", "SUVType", "DecayCorrection", "CorrectedImage", "AttenuationCorrectionMethod", "SeriesType"),
    *("RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartTime"),
    *("RadiopharmaceuticalStartDateTime", "PatientWeight", "PatientSize", "PatientSex"),
    *("FrameReferenceTime", "ActualFrameDuration", "DecayFactor", "RescaleSlope", "RescaleIntercept"),
    *("AcquisitionTime", "SeriesTime", "NumberOfSlices", "NumberOfTimeSlices"),
)
"""Tags whose value a query repeats; none of them tells who it is."""
VALUES_MAX = 3
_TAG = re.compile(r"([A-Z][A-Za-z0-9]+) \(([0-9A-Fa-f]{4},[0-9A-Fa-f]{4})\)")


def preview(pet: SeriesSeen, scan: str, settings: IngestSettings) -> list[Noted]:
    """Findings, unknown quantities and refusals that ingest would have for the chosen PET of a scan."""
    headers = pet.headers()
    try:
        series = _series(headers)
        _, known = one_image(series, derive(series.headers, tracer=settings.tracer), settings.window_min)
    except Refusal as refusal:
        return [_with_tags(Noted.refused(pet.uid, refusal, scan), refusal.reason, headers)]
    unknown = [
        Noted(pet.uid, Finding(why.code, f"{why.reason} {why.remedy}"), scan, TAG_OF.get(why.quantity, EMPTY))
        for why in known.acquisition.unknown
    ]
    asked = {one.finding.code for one in unknown}
    findings = [one for one in (*series.findings, *known.findings) if one.code not in asked]
    noted = [Noted(pet.uid, one, scan) for one in dict.fromkeys(findings)]
    return [_with_tags(one, one.finding.message, headers) for one in (*unknown, *noted)]


def _series(headers: Sequence[Header]) -> Series:
    """The series as ingest would read it, without pixels."""
    return assembled([Instance(one, 0, SourceFile(one.text("SOPInstanceUID") or "", "", 0), b"") for one in headers])


def _with_tags(noted: Noted, said: str, headers: Sequence[Header]) -> Noted:
    """The tags that a message names, with what stands in them."""
    named = dict.fromkeys(f"{name} ({number})" for name, number in _TAG.findall(said))
    tags = list(named) if noted.tag == EMPTY else [noted.tag]
    values = [value for tag in tags if (value := _value(tag.split(" ")[0], headers))]
    return Noted(
        noted.subject,
        noted.finding,
        noted.scan,
        "; ".join(tags) or EMPTY,
        "; ".join(values) or EMPTY,
        noted.severity,
    )


def _value(keyword: str, headers: Sequence[Header]) -> str:
    if keyword not in TELLABLE:
        return ""
    told = list(dict.fromkeys(_texts(keyword, headers)))
    more = f" and {len(told) - VALUES_MAX} more" if len(told) > VALUES_MAX else ""
    return " or ".join(text or "empty" for text in told[:VALUES_MAX]) + more


def _texts(keyword: str, headers: Iterable[Header]) -> Iterator[str]:
    for header in headers:
        item = next(iter(header.items("RadiopharmaceuticalInformationSequence")), header)
        yield "\\".join(header.texts(keyword) or item.texts(keyword))
