"""What is true of a trial, and what a perfect reader measures on the noise-free PET, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from petproc.core.regions import REGIONS
from petproc.core.suv import suv_per_activity
from petproc.phantom import scanner
from petproc.phantom.beds import blood_factor, wall_factor
from petproc.phantom.organs import CARINA, MYOCARDIUM_TO_BLOOD
from petproc.phantom.person import Person, Visit
from petproc.phantom.scan import Parts
from petproc.phantom.space import Floats
from petproc.phantom.vessels import WALLED
from petproc.phantom.wall import mean_wall_uptake
from petproc.reference import Measurement, SliceMeasure


@dataclass(frozen=True)
class TruthRow:
    """One slice of one region of one scan in `truth.tsv`."""

    participant: str
    session: str
    region: str
    slice: int
    """axial: the PET plane; slabs: arc length from the landmark / slab length, rounded down"""
    pet_k: int | None
    n_voxel: int
    area_mm2: float
    wall_bq_ml: float | None
    """true activity of the wall, mean around it; None for veins, whose wall takes up nothing"""
    blood_bq_ml: float
    """true activity of blood while this slice was acquired"""
    suv_max: float
    suv_mean: float
    tbr_max: float
    tbr_mean: float
    counts: bool
    reason: str | None


@dataclass(frozen=True)
class VesselRow:
    """One region of one scan in `vessels.tsv`."""

    participant: str
    session: str
    region: str
    metric: str
    value: float


@dataclass(frozen=True)
class TrueChangeRow:
    """The noise-free perfect reader's mean TBRmax of one region of one participant in `change.tsv`."""

    participant: str
    arm: str
    region: str
    index_vessel: bool
    baseline: float
    follow_up: float
    change: float
    percent_change: float


def truth_rows(parts: Parts, measured: Measurement, wall_scale: float) -> list[TruthRow]:
    found = {name: parts.anatomy.vessels[name] for name in WALLED}
    walls = {name: wall_scale * mean_wall_uptake(vessel, parts.person) for name, vessel in found.items()}
    return [_truth_row(parts, entry, walls) for entry in measured.slices]


def _truth_row(parts: Parts, entry: SliceMeasure, walls: Mapping[str, Floats]) -> TruthRow:
    voxels = entry.voxels
    vessel = REGIONS[voxels.region].vessel
    plane = int(np.rint(voxels.index[:, 2].mean()))
    per_blood = parts.visit.blood_suv / suv_per_activity(parts.acquisition)
    uptake = np.array([parts.visit.uptake_min + parts.beds.plane_start_s()[plane] / 60.0])
    here = None
    if vessel in walls:
        points = parts.anatomy.canvas.lattice.pose.to_body(parts.grid.pet_grid().to_mm(voxels.index))
        samples = np.unique(parts.anatomy.vessels[vessel].tube.nearest(points)[1])
        here = float(walls[vessel][samples].mean() * wall_factor(uptake)[0] * per_blood)
    return TruthRow(
        participant=parts.person.name,
        session=parts.visit.session,
        region=voxels.region,
        slice=voxels.slice,
        pet_k=voxels.pet_k,
        n_voxel=len(voxels.index),
        area_mm2=voxels.area_mm2,
        wall_bq_ml=here,
        blood_bq_ml=float(blood_factor(uptake)[0] * per_blood),
        suv_max=entry.suv_max,
        suv_mean=entry.suv_mean,
        tbr_max=entry.tbr_max,
        tbr_mean=entry.tbr_mean,
        counts=voxels.counts,
        reason=voxels.reason,
    )


def vessel_rows(parts: Parts, measured: Measurement) -> list[VesselRow]:
    return [
        VesselRow(parts.person.name, parts.visit.session, region, metric, value)
        for region, values in measured.vessels.items()
        for metric, value in values.items()
    ]


def scan_json(parts: Parts, measured: Measurement, wall_scale: float) -> dict[str, Any]:
    """Everything about one scan that is not in a table."""
    visit: Visit = parts.visit
    carina = parts.anatomy.canvas.lattice.pose.to_world(CARINA)
    at_blood = np.bincount(measured.blood_index[:, 2]).argmax()
    uptake = np.array([visit.uptake_min + parts.beds.plane_start_s()[at_blood] / 60.0])
    true_blood = float(visit.blood_suv * blood_factor(uptake)[0])
    return {
        "session": visit.session,
        "weight_kg": visit.weight_kg,
        "dose_bq": visit.dose_bq,
        "injection": visit.injection.isoformat(),
        "uptake_min_first_bed": visit.uptake_min,
        "roll_deg": visit.roll_deg,
        "translation_mm": list(visit.translation_mm),
        "carina_mm": [float(value) for value in carina],
        "wall_scale": wall_scale,
        "true_blood_suv": true_blood,
        "perfect_reader_blood_suv": measured.blood_suv,
        "blood_recovery": measured.blood_suv / true_blood,
    }


def person_json(person: Person, arm: str, planted: float, index_vessel: str) -> dict[str, Any]:
    return {
        "participant": person.name,
        "arm": arm,
        "planted_change": planted,
        "index_vessel": index_vessel,
        "sex": person.sex,
        "height_m": person.height_m,
        "scanner": person.dialect,
        "myocardium": person.myocardium,
        "myocardium_to_blood": MYOCARDIUM_TO_BLOOD[person.myocardium],
        "wall_mm": {name: wall.thickness_mm for name, wall in person.walls.items()},
        "radius_mm": dict(person.radius_mm),
    }


def image_json(noise: float) -> dict[str, Any]:
    return {
        "psf_fwhm_mm": scanner.PSF_FWHM_MM,
        "noise_cov_in_liver": noise,
        "noise_fwhm_mm": scanner.NOISE_FWHM_MM,
        "liver_suv": scanner.LIVER_SUV,
        "breathing_mm": scanner.BREATH_MM,
        "ct_noise_hu": scanner.CT_NOISE_HU,
    }
