"""Rows of tables that people write or review, and of what they decide: `config/`, the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Judgement = Literal["released", "rejected", "arc-excluded"]


@dataclass(frozen=True)
class ScanRow:
    """One PET/CT of a session in `config/scans.tsv`, proposed by inventory and reviewed by a person."""

    participant: str
    session: str
    tracer: str
    pet: str
    """SeriesInstanceUID of the PET"""
    ct: str
    """SeriesInstanceUID of the CT"""
    include: str
    """yes or no"""
    reason: str


@dataclass(frozen=True)
class WorksheetRow:
    """What the site's worksheet says of a scan, in `config/worksheet.tsv`; what it says overrides the tags.

    An empty cell says nothing. Times are `HH:MM:SS` on the day of the scan, or ISO dates with time.
    """

    participant: str
    session: str
    dose_mbq: float | None
    """activity in the syringe before the injection"""
    dose_time: str | None
    """when it was measured; empty: at the injection"""
    residual_mbq: float | None
    """activity left in syringe and line"""
    residual_time: str | None
    """when that was measured; empty: at the injection"""
    injection_time: str | None
    weight_kg: float | None
    height_cm: float | None
    sex: str | None
    glucose_mmol_l: float | None
    fasting_h: float | None
    source: str | None
    """where it was written and by whom"""


@dataclass(frozen=True)
class PointRow:
    """A point that a reader set on the CT inside a vessel, in `config/points.tsv`; two or more make a vessel."""

    participant: str
    session: str
    region: str
    x_mm: float
    """RAS+ mm on the CT, as 3D Slicer writes them: x to the right, y to the front, z to the head"""
    y_mm: float
    z_mm: float
    place: str | None
    """`bifurcation` where this point is the carotid's, from which its arc length counts; else empty"""
    reader: str | None
    """who set it, by code"""


@dataclass(frozen=True)
class Verdict:
    """What a reader decided of a region, as the ledger holds it.

    Released: measured although the gate sends it to review. Rejected: not measured although the gate accepts it.
    Arc-excluded: slices from `from_mm` to `to_mm` of arc length left out. An empty `session` stands for all visits.
    """

    participant: str
    session: str
    region: str
    judgement: Judgement
    code: str
    """what is there: node, oesophagus, stent, ...; empty for a release"""
    from_mm: float | None
    to_mm: float | None
    why: str
    who: str
    entry: int
    """of the ledger"""


@dataclass(frozen=True)
class IndexRow:
    """One DICOM instance of a delivery in `config/index/<SeriesInstanceUID>.tsv`."""

    instance: str
    """SOPInstanceUID"""
    path: str
    """of the file or of the zip archive"""
    member: str | None
    """name inside the archive"""
    size: int
