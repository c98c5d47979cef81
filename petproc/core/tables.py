"""The rows of every table. A field of a row is a column of the file, in this order; `None` is an empty cell ("n/a").

Text tables are tab-separated UTF-8 with one header line; numbers are written with the shortest digits that give the
same float back. The voxel table is Parquet; its columns are in `VOXEL_COLUMNS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["measured", "refused", "excluded", "incomplete_candidates", "incomplete"]
VesselStatus = Literal["accepted", "needs_review", "absent"]
Judgement = Literal["released", "rejected", "arc-excluded"]

DEPTH_QUANTILES = (10, 25, 50, 75, 90)
SHIFT_MM = 2.0
SHIFTS: dict[str, tuple[float, float, float]] = {
    "left": (-SHIFT_MM, 0.0, 0.0),
    "right": (SHIFT_MM, 0.0, 0.0),
    "front": (0.0, SHIFT_MM, 0.0),
    "back": (0.0, -SHIFT_MM, 0.0),
    "up": (0.0, 0.0, SHIFT_MM),
    "down": (0.0, 0.0, -SHIFT_MM),
}
"""How the vessels, all of them together, may lie elsewhere in the PET than the CT has them, RAS+ mm."""
SHIFTED = {name: f"depth_p50_{name}" for name in SHIFTS}
VOXEL_COLUMNS: dict[str, str] = {
    "region": "string",
    "i": "int16",
    "j": "int16",
    "k": "int16",
    "activity": "float32",
    **{f"depth_p{q}": "float32" for q in DEPTH_QUANTILES},
    "station": "int16",
    "angle_deg": "float32",
    "vessel_mm": "float32",
    "myocardium_mm": "float32",
    "lung_mm": "float32",
    **dict.fromkeys(SHIFTED.values(), "float32"),
}
"""One row per PET voxel in or within reach of a region, sorted by region (label value), k, j, i.

`activity` Bq/mL; `depth_pQ` mm under the vessel's lateral outer wall, + inside, the Q % quantile over a lattice in the
voxel; `station` index into the vessel's stations; `angle_deg` around the centreline: 0 towards the patient's left,
90 towards the front (projected across the direction of the centreline), in [0, 360); `*_mm` distance to the nearest
other vessel (a vessel and its branches are one), PET-hot myocardium, lung (capped at `FAR_MM`).
`depth_p50_left` is what `depth_p50` would be if the vessels lay `SHIFT_MM` further to the patient's left and the PET
where it is, and so on for each of `SHIFTS`; region, station and distances stay those of the vessels in place.
Of an organ the voxels of which at least half lies inside, with depth under its surface, `station` -1 and angle 0; the
depths of `SHIFTS` are null there, since only a vessel's numbers are asked how firm they are.
"""
FAR_MM = 100.0


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
class IndexRow:
    """One DICOM instance of a delivery in `config/index/<SeriesInstanceUID>.tsv`."""

    instance: str
    """SOPInstanceUID"""
    path: str
    """of the file or of the zip archive"""
    member: str | None
    """name inside the archive"""
    size: int


@dataclass(frozen=True)
class Station:
    """A place along a vessel's centreline.

    Stations are 2 mm apart and ordered in the direction of flow (aorta: from the root; vena cava: from above).
    """

    vessel: str
    station: int
    region: str
    arc_mm: float
    """along the centreline from the landmark (aorta: on its descending limb at the height of the carina; carotid: the
    bifurcation; others: the first station), + with flow; where the landmark of an aorta or a carotid is not known, from
    the first station, so that no arc is below 0"""
    x_mm: float
    y_mm: float
    z_mm: float
    tangent_x: float
    tangent_y: float
    tangent_z: float
    radius_mm: float
    """of the circle of equal area"""
    ring_score: float | None
    """how well a circle of blood with a bright-to-dark edge fits, -1 to 1; None where the backend gives none"""
    visible_fraction: float | None
    """share of directions with fat or lung within 5 mm outside the wall; None where the backend gives none"""


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
