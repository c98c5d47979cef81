"""Is a PET attenuation-corrected, and how is its decay corrected? What it must be to be measured."""

from __future__ import annotations

from collections.abc import Sequence

from petproc.core.errors import Refusal
from petproc.dicom.header import Header, tag_of
from petproc.ingest.units import quoted

INJECTED = ("PatientID", "PatientSex", "PatientWeight", "PatientSize", "RadiopharmaceuticalInformationSequence")
DECAY_CORRECTIONS = ("START", "ADMIN", "NONE")


def decay_correction(header: Header) -> str | None:
    """DecayCorrection (0054,1102); of enhanced PET DecayCorrected (0018,9758), whose own time says to when."""
    told = header.text("DecayCorrection")
    return told or {"YES": "START", "NO": "NONE"}.get(header.text("DecayCorrected") or "")


def corrections(header: Header) -> tuple[str, ...]:
    """CorrectedImage (0028,0051), or what enhanced PET says of attenuation and decay in its place."""
    told = header.texts("CorrectedImage")
    enhanced = {"AttenuationCorrected": "ATTN", "DecayCorrected": "DECY"}
    return told or tuple(word for keyword, word in enhanced.items() if header.text(keyword) == "YES")


def check_is_measurement(headers: Sequence[Header]) -> None:
    """Refuse a PET whose images contradict each other or are not attenuation-corrected."""
    first = headers[0]
    for keyword in ("Units", "SUVType", "DecayCorrection", "CorrectedImage", "SeriesType"):
        if not _same_bytes(headers, (keyword,)) and len({header.texts(keyword) for header in headers}) > 1:
            raise Refusal(
                "mixed-series",
                f"The slices of the PET differ in {keyword}.",
                "The series holds more than one set of images: ask the site for them one by one.",
            )
    method = (first.text("AttenuationCorrectionMethod") or "").upper()
    if "ATTN" not in corrections(first) or method.startswith("NONE"):
        raise Refusal(
            "not-attenuation-corrected",
            "The PET is not attenuation-corrected: its values are not activity.",
            "Ask the site for the attenuation-corrected series, or exclude the scan with a reason.",
        )


def check_decay(header: Header, *, is_suv: bool) -> None:
    """Refuse a decay correction that is not told, or that the header contradicts."""
    decay, listed = decay_correction(header), "DECY" in corrections(header)
    if decay not in DECAY_CORRECTIONS:
        raise Refusal(
            "decay-correction-not-supported",
            f"DecayCorrection (0054,1102) of the PET is {quoted(decay)}; START, ADMIN and NONE are understood.",
            "Ask the site whether and to which time the series is decay-corrected.",
        )
    if is_suv and decay == "NONE":
        raise Refusal(
            "decay-correction-contradicted",
            "The values of the PET are SUV, but DecayCorrection (0054,1102) is NONE.",
            "Ask the site for the series in Bq/mL.",
        )
    if listed == (decay == "NONE"):
        raise Refusal(
            "decay-correction-contradicted",
            f"DecayCorrection (0054,1102) is {decay}, but CorrectedImage (0028,0051) "
            f"{'lists' if listed else 'does not list'} DECY.",
            "Ask the site whether the series is decay-corrected.",
        )


def check_same_injection(headers: Sequence[Header]) -> None:
    """Slices that tell of different people or injections do not belong into one volume."""
    if _same_bytes(headers, INJECTED):
        return
    told = set()
    for header in headers:
        items = header.items("RadiopharmaceuticalInformationSequence")
        item = items[0] if items else header
        told.add(
            (
                header.text("PatientID"),
                header.text("PatientSex"),
                header.number("PatientWeight"),
                header.number("PatientSize"),
                item.number("RadionuclideTotalDose"),
                item.text("RadiopharmaceuticalStartTime"),
                item.text("RadiopharmaceuticalStartDateTime"),
            )
        )
    if len(told) > 1:
        raise Refusal(
            "mixed-series",
            "The slices of the PET differ in participant, sex, weight, height, dose or time of injection.",
            "Ask the site to send the series again from the scanner.",
        )


def _same_bytes(headers: Sequence[Header], keywords: Sequence[str]) -> bool:
    """Whether these elements stand alike in all headers, as they mostly do: then nothing of them has to be read."""
    tags = [tag_of(keyword) for keyword in keywords]
    first = [headers[0].elements.values.get(tag) for tag in tags]
    return all([header.elements.values.get(tag) for tag in tags] == first for header in headers[1:])
