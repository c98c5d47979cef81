"""Whether a series can be the PET or CT of a scan, and how good a PET is: what its pixels and tags say together."""

from __future__ import annotations

import re
from dataclasses import dataclass

from petproc.ingest.seen import SLICES_MIN, SeriesSeen
from petproc.ingest.units import quoted

COPIES = {"MIP", "MAX_IP", "MIN_IP", "PROJECTION IMAGE", "SCREEN SAVE"}
REFORMATTED = {"REFORMATTED", "MPR", "CSA MPR"}
FUSED = {"FUSED", "FUSION"}
"""Words of ImageType (0008,0008)."""
UNITS = ("BQML", "GML", "CM2ML", "CNTS")
"""Units (0054,1001) that ingest can turn into activity, best first."""
_UNCORRECTED = re.compile(r"(?<![A-Z])(NO?[ _-]?AC|NO[ _-]?ATTN?|NON[ _-]?(AC|ATTN?|CORR)\w*|UNCORR\w*)(?![A-Z])")


@dataclass(frozen=True)
class Quality:
    """Of a PET; `rank` 0 is best, from `UNMEASURABLE` on ingest refuses it."""

    rank: int
    words: str


FRAMES, SAID_UNCORRECTED, UNMEASURABLE = len(UNITS), len(UNITS) + 1, len(UNITS) + 2


def not_a_volume(series: SeriesSeen) -> str | None:
    """Why a series cannot be the PET or CT of a scan; None where it can."""
    if series.modality not in ("PT", "CT"):
        return f"modality {code_word(series.modality)}"
    if not series.is_image:
        return f"not a {series.modality} image"
    kind = set(series.tags["ImageType"])
    if "LOCALIZER" in kind:
        return "localiser"
    if COPIES & kind or "REPROJECTION" in series.tags["SeriesType"]:
        return "projection or screen copy"
    if FUSED & kind or series.tag("SamplesPerPixel") not in ("", "1"):
        return "fused or coloured pictures"
    if REFORMATTED & kind:
        return "reformatted from another series"
    if series.count < SLICES_MIN or series.length_mm <= 0:
        return f"not a volume ({series.count} images)"
    if not series.is_axial:
        return "not axial"
    return None


def quality(pet: SeriesSeen) -> Quality:
    """How well a PET can be measured: attenuation-corrected, in units of activity, one frame."""
    units = pet.tag("Units")
    if not _lists_attenuation(pet):
        return Quality(UNMEASURABLE, "not attenuation-corrected")
    if units not in UNITS:
        return Quality(UNMEASURABLE, f"not activity ({quoted(units) if units else 'unknown units'})")
    if says_uncorrected(pet):
        return Quality(SAID_UNCORRECTED, "described as not attenuation-corrected, though it lists ATTN")
    if pet.has_frames:
        return Quality(FRAMES, f"{quoted(pet.tag('SeriesType')).lower()} PET")
    return Quality(UNITS.index(units), f"attenuation-corrected, {units}")


def code_word(text: str) -> str:
    """A value that should be one of the standard's words; whatever else it may hold is not repeated."""
    return text if re.fullmatch(r"[A-Z0-9_]{1,16}", text) else "unknown"


def says_uncorrected(pet: SeriesSeen) -> bool:
    """Whether the series description says what the tags deny."""
    return bool(_UNCORRECTED.search(pet.tag("SeriesDescription").upper()))


def _lists_attenuation(pet: SeriesSeen) -> bool:
    method = pet.tag("AttenuationCorrectionMethod").upper()
    return "ATTN" in pet.tags["CorrectedImage"] and not method.startswith("NONE")
