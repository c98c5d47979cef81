"""Where a number comes from: the formula with its own numbers, the voxels, the DICOM images, settings, people, history.

Everything is taken from what the run left; the arithmetic is done once more, and what does not come out again is said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc import layout
from petproc.audit.decisions import Decisions
from petproc.audit.difference import settings_that_differ
from petproc.audit.suv_in_words import suv_in_words
from petproc.core.grid import Grid
from petproc.core.measure import measure
from petproc.core.metrics import METRICS
from petproc.core.tables import FragilityRow, InputRow, SliceRow, UptakeRow, VesselRow
from petproc.settings import Analysis, plain

SHOWN = 12
"""Slices of which the arithmetic line spells out each value; of more, the first and last."""
SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Blood:
    """The blood pool: its voxels, their mean activity in Bq/mL, the PET planes that they lie in, who segmented it.

    `index` (n, 3) are the voxels on the PET grid, where they are listed.
    """

    region: str
    n_voxel: int
    activity_bq_ml: float
    planes: Sequence[int]
    backend: str = ""
    index: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, region: str, index: NDArray[np.int64], activity: NDArray[np.float64], backend: str = "") -> Blood:
        """Voxels (n, 3) and their activity (n,), Bq/mL."""
        planes = sorted({int(k) for k in index[:, 2]})
        return cls(region, len(index), float(activity.mean()), planes, backend, index)


@dataclass(frozen=True)
class Earlier:
    """A value that this number had: from which ledger entry on, when (UTC), by whose run."""

    value: float | None
    status: str
    entry: int
    time: str
    who: str
    changed: tuple[str, ...] = ()
    """settings that were other ones before, as `path: before -> now`, and decisions about this scan since then"""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that the run left about one number. `pet` and `segmentation` are the sidecars; `settings` the analysis'."""

    row: UptakeRow
    slices: Sequence[SliceRow]
    grid: Grid | None
    """of the PET; None of a scan of which nothing says it"""
    settings: Mapping[str, Any]
    pet: Mapping[str, Any]
    segmentation: Mapping[str, Any]
    vessel: VesselRow | None = None
    blood: Blood | None = None
    inputs: Sequence[InputRow] = ()
    decisions: Decisions = field(default_factory=Decisions)
    earlier: Sequence[Earlier] = ()
    analysis: str = ""
    exploratory: str = ""
    """why the analysis is, in words"""
    mask: Mapping[str, str] = field(default_factory=dict)
    """the file of the labels in the study, and its SHA-256 where it was asked for"""
    fragility: FragilityRow | None = None


def explanation(evidence: Evidence) -> dict[str, Any]:
    """Plain JSON types, in the order in which a reader asks."""
    row = evidence.row
    return {
        "number": {
            "participant": row.participant,
            "session": row.session,
            "region": row.region,
            "metric": row.metric,
            "value": row.value,
            "unit": row.unit,
            "status": row.status,
            "reason": row.reason,
        },
        "analysis": {"name": evidence.analysis, "exploratory": evidence.exploratory or None},
        "formula": _formula(evidence),
        "fragility": _fragility(evidence.fragility),
        "slices": [_slice(one) for one in evidence.slices],
        "hottest": _hottest(evidence),
        "background": _background(evidence),
        "suv": {
            "card": evidence.pet["petproc"].get("suv"),
            "words": suv_in_words(evidence.pet["petproc"].get("suv"), evidence.inputs, _factor(evidence)),
            "inputs": [asdict(one) for one in evidence.inputs],
        },
        "segmentation": {
            **{name: evidence.segmentation.get(name) for name in ("backend", "petproc", "version")},
            "made_with": evidence.segmentation.get("made_with") or {},
            "mask": dict(evidence.mask),
            "judged": asdict(evidence.vessel) if evidence.vessel else None,
        },
        "settings": {
            "hash": _hash(evidence.settings),
            "not_default": _not_default(evidence.settings),
            "values": evidence.settings,
        },
        "decisions": _decisions(evidence),
        "history": [asdict(one) for one in evidence.earlier],
    }


def _fragility(row: FragilityRow | None) -> dict[str, Any] | None:
    """Between which values the number lies if boundary or vessels were elsewhere; None where the table has none."""
    names = ("low", "low_at", "high", "high_at", "width", "at_least", "status", "reason", "change", "fragile")
    return {name: getattr(row, name) for name in names} if row else None


def _formula(evidence: Evidence) -> dict[str, Any]:
    """The metric's formula, its arithmetic in numbers, and what comes out when it is done again."""
    row = evidence.row
    metric = METRICS.get(row.metric)
    if metric is None or row.value is None:
        return {"words": metric.formula if metric else row.metric, "arithmetic": None, "again": None, "agrees": None}
    counting = [one for one in evidence.slices if one.counts]
    quantify = evidence.settings["quantify"]
    values = measure(
        counting,
        row.background_suv if metric.needs_background else None,
        active_tbr=quantify["active_tbr"],
        segment_mm=quantify["segment_mm"],
    )
    again = values[row.metric]
    return {
        "words": metric.formula,
        "arithmetic": _arithmetic(row, counting),
        "again": again,
        "agrees": again is not None and abs(again - row.value) <= SAME * max(1.0, abs(row.value)),
    }


def _arithmetic(row: UptakeRow, counting: Sequence[SliceRow]) -> str:
    """What is averaged, in numbers, for the metrics that are a mean over slices; else the slices' values."""
    columns = ("tbr_max", "tbr_mean", "suv_max", "suv_mean", "tbr_peak", "suv_peak")
    column = next((name for name in columns if row.metric.endswith(f"_{name}")), None)
    found = [getattr(one, column or "tbr_max") for one in counting]
    values = [value for value in found if value is not None]
    listed = [f"{value:.4g}" for value in values]
    if len(listed) > SHOWN:
        listed = [*listed[: SHOWN // 2], "…", *listed[-SHOWN // 2 :]]
    if row.metric.startswith("mean_") and column:
        return f"({' + '.join(listed)}) / {len(values)} = {row.value:.6g}"
    return f"from {', '.join(listed)}: {row.value:.6g}"


def _slice(one: SliceRow) -> dict[str, Any]:
    names = ("slice", "pet_k", "arc_mm", "n_voxel", "suv_max", "tbr_max", "tbr_mean", "flag", "counts", "reason")
    return {name: getattr(one, name) for name in names}


def _hottest(evidence: Evidence) -> dict[str, Any] | None:
    """The hottest voxel of the slices that count."""
    counting = [one for one in evidence.slices if one.counts]
    hot = [(one.suv_max if one.suv_max is not None else one.tbr_max, one) for one in counting]
    known = [(value, one) for value, one in hot if value is not None]
    if not known:
        return None
    _, one = max(known, key=lambda pair: pair[0])
    index = (one.hottest_i, one.hottest_j, one.hottest_k)
    return {"slice": one.slice, "suv": one.suv_max, "tbr": one.tbr_max, **place(index, evidence)}


def place(index: tuple[int, int, int], evidence: Evidence) -> dict[str, Any]:
    """A voxel as RAS+ mm, as index of the PET, and as column and row (from 0) of a DICOM instance."""
    i, j, k = index
    mm = None if evidence.grid is None else [round(float(value), 3) for value in evidence.grid.to_mm(index)]
    dicom = {**_image(k, evidence), "column": i, "row": j}
    return {"mm": mm, "pet_index": [i, j, k], "dicom": dicom}


def _image(k: int, evidence: Evidence) -> dict[str, Any]:
    """The DICOM instance of a PET plane, and its frame there; unknown where the PET's sidecar does not say."""
    images = evidence.pet["petproc"].get("slices")
    image = images[k] if images else {}
    return {"instance": image.get("instance", "unknown"), "frame": image.get("frame")}


def _background(evidence: Evidence) -> dict[str, Any] | None:
    row, blood = evidence.row, evidence.blood
    if row.background_region is None:
        return None
    found = {"region": row.background_region, "suv": row.background_suv}
    if blood is None:
        return {**found, "backend": None, "n_voxel": None, "activity_bq_ml": None, "planes": [], "voxels": None}
    return {
        **found,
        "backend": blood.backend or None,
        "n_voxel": blood.n_voxel,
        "activity_bq_ml": blood.activity_bq_ml,
        "planes": [{"pet_k": k, **_image(k, evidence)} for k in blood.planes],
        "voxels": None if blood.index is None else [[int(i), int(j), int(k)] for i, j, k in blood.index],
    }


def _factor(evidence: Evidence) -> float | None:
    """SUV per Bq/mL, as the blood pool of this number has both."""
    blood, suv = evidence.blood, evidence.row.background_suv
    return suv / blood.activity_bq_ml if blood and suv is not None else None


def _decisions(evidence: Evidence) -> dict[str, Any]:
    """Those about this place."""
    row, made = evidence.row, evidence.decisions
    verdicts = [
        asdict(one)
        for one in made.verdicts
        if one.participant == row.participant and one.session in ("", row.session) and one.region == row.region
    ]
    scans = (row.participant, row.session)
    return {
        "verdicts": verdicts,
        "exclusions": [asdict(one) for one in made.exclusions if (one.participant, one.session) == scans],
        "overrides": [asdict(one) for one in made.overrides if (one.participant, one.session) == scans],
        "edits": [
            asdict(one)
            for one in made.edits
            if (one.participant, one.session) == scans
            and layout.edited(one.backend) == evidence.segmentation.get("backend")
        ],
    }


def _not_default(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those that were set to something, by dotted path."""
    default = plain(Analysis())
    usual = {name: default[name] for name in settings if name in default}
    return {one.path: one.b for one in settings_that_differ(usual, settings)}


def _hash(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
