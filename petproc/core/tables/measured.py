"""Rows of the tables of an analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["measured", "refused", "excluded", "incomplete_candidates", "incomplete"]
VesselStatus = Literal["accepted", "needs_review", "absent"]


@dataclass(frozen=True)
class InputRow:
    """A quantity that SUV or a quality rule of a scan depends on, in `inputs.tsv`: what was taken, and what was not."""

    participant: str
    session: str
    quantity: str
    """a field of `PetAcquisition` (`weight_kg`, `injected_activity_bq`, ...), or `glucose_mmol_l`, `fasting_h`"""
    value: str | None
    unit: str
    source: str
    """worksheet, tag, or none"""
    rejected: str | None
    """values of other sources that were not taken, each with its source"""
    reason: str | None
    """why there is no value, or why this one was taken"""


@dataclass(frozen=True)
class VesselRow:
    """How a region's segmentation is judged by an analysis, in `vessels.tsv`."""

    participant: str
    session: str
    region: str
    backend: str
    status: VesselStatus
    reason: str | None
    """every reason for a review, or why it is absent"""
    length_mm: float | None
    """of its centreline; empty where there is none: of an organ, or of what is absent"""
    accepted_mm: float | None
    """of it, at accepted stations; 0 where the region as a whole needs review"""
    radius_mm: float | None
    """median"""
    ring_score: float | None
    """median; empty where the backend gives none"""
    visible_fraction: float | None
    """median; empty where the backend gives none"""


@dataclass(frozen=True)
class SliceRow:
    """One slice of one region of one scan in `slices.tsv`."""

    participant: str
    session: str
    region: str
    slice: int
    """number along the vessel (with flow) within the region"""
    pet_k: int | None
    """axial slices: the PET plane; None for slabs across the centreline"""
    arc_mm: float | None
    """mean arc length of the slice's voxels from the landmark; None where the vessel's landmark was not found"""
    n_voxel: int
    area_mm2: float
    accepted_fraction: float
    """share of the slice's voxels that lie at accepted stations"""
    uptake_min: float | None
    suv_max: float | None
    suv_mean: float | None
    tbr_max: float | None
    tbr_mean: float | None
    hottest_i: int
    hottest_j: int
    hottest_k: int
    slice_mm: float
    """length along the vessel for which the slice stands"""
    flag: str | None
    """`partial` where no voxel reached the coverage asked for and the best covered one stands in"""
    counts: bool
    reason: str | None
    """why it does not count"""
    suv_peak: float | None = None
    """highest mean of a 1 cm3 sphere centred on a voxel of the slice; this and those below where a metric needs them"""
    tbr_peak: float | None = None
    n_positive: int | None = None
    """voxels with a TBR above the analysis' cut-off for positive uptake"""
    above_ml: float | None = None
    """sum of SUV x voxel volume (mL) over voxels above the blood pool's mean + n SD"""


@dataclass(frozen=True)
class UptakeRow:
    """One metric of one region of one scan in `uptake.tsv`."""

    participant: str
    session: str
    region: str
    metric: str
    value: float | None
    unit: str
    n_slice: int
    n_voxel: int
    volume_ml: float
    background_region: str | None
    background_suv: float | None
    uptake_min: float | None
    status: Status
    reason: str | None


@dataclass(frozen=True)
class ChangeRow:
    """One metric of one region of one participant, follow-up against baseline, in `change.tsv`."""

    participant: str
    region: str
    metric: str
    unit: str
    baseline: float | None
    follow_up: float | None
    change: float | None
    percent_change: float | None
    index_vessel: bool
    matched_mm: float | None
    """length of vessel accepted at both visits, over which both values are taken"""
    unmatched_mm: float | None
    """length measured at one visit alone and left out"""
    status: Status
    reason: str | None
    findings: str | None
    """codes, joined with `;`"""


@dataclass(frozen=True)
class FragilityRow:
    """How far one metric of one vessel of one scan follows small errors, in `fragility.tsv`.

    Lowest and highest of the value as measured, with the boundary further out and in, and with the vessels elsewhere in
    the PET (`SHIFTS`). Where one of these has no value the interval is not known, and `reason` says why.
    """

    participant: str
    session: str
    region: str
    metric: str
    unit: str
    value: float | None
    """as in `uptake.tsv`"""
    low: float | None
    high: float | None
    width: float | None
    """`high` less `low`"""
    at_least: float | None
    """so wide is the interval at least: where it is not known, over what has a value; else `width`"""
    low_at: str | None
    """what was moved where it is lowest: `boundary 1 mm in`, `vessels 2 mm left`; of several the first"""
    high_at: str | None
    index_vessel: bool
    change: float | None
    """that it takes part in, as in `change.tsv`"""
    fragile: str | None
    """yes where the wider interval of both visits is wider than the change, in absolute value; no where it is not;
    unknown where an interval is not known and neither is wider as far as it is; empty without a change"""
    status: Status
    """of the interval"""
    reason: str | None
