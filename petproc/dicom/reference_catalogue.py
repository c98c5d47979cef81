"""Seventeen PET series whose SUV is known, each written in another of the ways in which SUV goes wrong.

They are twins, made from our own description, of the public OncoRay SUV reference objects (Vacha et al. 2026,
CC BY 4.0, github oncoray/suv_computation) and carry their names; nothing of those files is in them.

The formulas are written out once more, plainly, from DICOM PS3.3 C.8.9.1 and the definition of SUV; they share nothing
with `petproc.core.suv` and `petproc.ingest`, which they check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SLICES = 9
WEIGHT_KG, HEIGHT_CM = 76.0, 171.0
DOSE_BQ = 312e6
F18_S, GA68_S = 6586.2, 4057.7
"""Half-lives."""
STARTED, PAST_MIDNIGHT = datetime(2031, 3, 14, 10, 40), datetime(2031, 3, 15, 0, 20)
"""Start of the scan; the injection was `WAITED_S` earlier."""
WAITED_S = 3900.0
BEDS, BED_EVERY_S = 3, 310.0
"""Of the objects that have several."""
FRAME_S = 300.0

Tags = Mapping[str | int, Any]


@dataclass(frozen=True)
class ReferenceObject:
    """One way to write a PET: what differs from the first object, and the SUV that follows from it by hand.

    `suv_per_value(k)`: SUV by body weight per rescaled pixel value of slice k. `tags` hold for every slice: None takes
    the element away; a tuple (VR, value) under an integer is a private one. Times are in seconds after the one to which
    decay is corrected.
    """

    words: str
    suv_per_value: Callable[[int], float]
    tags: Tags = field(default_factory=dict)
    slope: Callable[[int], str] = lambda _: "0.75"
    started: datetime = STARTED
    half_life_s: float = F18_S
    beds: int = 1
    acquired_s: float = 0.0
    """start of the first bed"""
    series_s: float = 0.0
    """SeriesTime"""
    frame_reference_off_s: float = 0.0
    """by how much FrameReferenceTime is too small"""


def _left(seconds: float, half_life_s: float = F18_S) -> float:
    """Share of the dose that has not decayed."""
    return float(0.5 ** (seconds / half_life_s))


def _per_bq(dose_left_bq: float) -> Callable[[int], float]:
    return lambda _: WEIGHT_KG * 1000 / dose_left_bq


def bed(k: int, beds: int) -> int:
    """Which bed, counted upwards from 0, holds slice k."""
    return k * beds // SLICES


def _per_undecayed_bq(k: int) -> float:
    """The mean over the frame is brought to the frame's start, and that to the injection."""
    exponent = math.log(2) * FRAME_S / F18_S
    mean_to_start = exponent / (1 - math.exp(-exponent))
    return WEIGHT_KG * 1000 / DOSE_BQ * mean_to_start / _left(WAITED_S + BED_EVERY_S * bed(k, BEDS))


_at_start = _per_bq(DOSE_BQ * _left(WAITED_S))
_lean_kg = 1.10 * WEIGHT_KG - 128 * (WEIGHT_KG / HEIGHT_CM) ** 2
_ideal_kg = (48.0 + 1.06 * (HEIGHT_CM - 152) + 45.5 + 0.91 * (HEIGHT_CM - 152)) / 2
_surface_cm2 = 0.007184 * HEIGHT_CM**0.725 * WEIGHT_KG**0.425 * 10_000

_PHILIPS: dict[str | int, Any] = {"Units": "CNTS", "Manufacturer": "Philips Medical Systems"}
_GE: dict[str | int, Any] = {"Manufacturer": "GE MEDICAL SYSTEMS"}
_NO_CLOCK: Tags = {"RadiopharmaceuticalStartTime": None}
_NO_DATETIME: Tags = {"RadiopharmaceuticalStartDateTime": None}

# Private elements stand without the one that reserves their block: anonymised deliveries have often lost it.
REFERENCE_OBJECTS: dict[str, ReferenceObject] = {
    "0_0": ReferenceObject("BQML, decay-corrected to the start", _at_start),
    "1_0": ReferenceObject("another slope in every slice", _at_start, slope=lambda k: f"{0.6 + k / 20:.2f}"),
    "2_0": ReferenceObject(
        "GML: SUV by body weight", lambda _: 1.0, {"Units": "GML", "SUVType": "BW"}, slope=lambda _: "0.0002"
    ),
    "2_1": ReferenceObject(
        "GML: SUV by lean body mass, man (James)",
        lambda _: WEIGHT_KG / _lean_kg,
        {"Units": "GML", "SUVType": "LBMJAMES128", "PatientSex": "M"},
        slope=lambda _: "0.00015",
    ),
    "2_2": ReferenceObject(
        "GML: SUV by ideal weight, sex O",
        lambda _: WEIGHT_KG / _ideal_kg,
        {"Units": "GML", "SUVType": "IBW"},
        slope=lambda _: "0.0001",
    ),
    "2_3": ReferenceObject(
        "CM2ML: SUV by body surface",
        lambda _: WEIGHT_KG * 1000 / _surface_cm2,
        {"Units": "CM2ML", "SUVType": "BSA"},
        slope=lambda _: "0.00004",
    ),
    "2_4": ReferenceObject(
        "CNTS with Philips' SUV factor", lambda _: 0.00041, {**_PHILIPS, 0x70531000: ("DS", "0.00041")}
    ),
    "2_5": ReferenceObject(
        "CNTS with Philips' activity factor",
        lambda _: 0.47 * _at_start(0),
        {**_PHILIPS, 0x70531009: ("DS", "0.47")},
    ),
    "3_0": ReferenceObject("dose in MBq", _at_start, {"RadionuclideTotalDose": f"{DOSE_BQ / 1e6:g}"}),
    "3_1": ReferenceObject("ADMIN: decay-corrected to the injection", _per_bq(DOSE_BQ), {"DecayCorrection": "ADMIN"}),
    "3_2": ReferenceObject(
        "START, SeriesTime after the acquisition", _at_start, beds=BEDS, acquired_s=150.0, series_s=2700.0
    ),
    "3_3": ReferenceObject(
        "GE's private scan time",
        _at_start,
        {**_GE, 0x0009100D: ("DT", f"{STARTED:%Y%m%d%H%M%S}.00")},
        acquired_s=1800.0,
        frame_reference_off_s=1800.0,
    ),
    "3_4": ReferenceObject(
        "NONE: decay not corrected, three beds",
        _per_undecayed_bq,
        {**_GE, "DecayCorrection": "NONE", "CorrectedImage": ["NORM", "DTIM", "ATTN", "SCAT", "RAN"]},
        beds=BEDS,
    ),
    "4_0": ReferenceObject("injection: date and time in one tag", _at_start, _NO_CLOCK),
    "4_1": ReferenceObject("injection: only the time of day", _at_start, _NO_DATETIME),
    "4_2": ReferenceObject("midnight between injection and scan", _at_start, _NO_DATETIME, started=PAST_MIDNIGHT),
    "5_0": ReferenceObject(
        "gallium-68",
        _per_bq(DOSE_BQ * _left(WAITED_S, GA68_S)),
        {"Radiopharmaceutical": "Ga68-PSMA", "CodeValue": "C-131A3", "CodeMeaning": "^68^Gallium"},
        half_life_s=GA68_S,
    ),
}
