"""The rows' distances to what may spill into them, and the blood level that tells hot myocardium."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding
from petproc.core.regions import AORTA, REGIONS, SVC, VESSELS, regions_of
from petproc.core.results import Segmentation
from petproc.core.tables import DEPTH_QUANTILES
from petproc.core.volume import Volume
from petproc.sample.heart import hot_myocardium, lungs
from petproc.sample.neighbours import distance_to_mask, distance_to_other_part
from petproc.sample.rows import Rows

BLOOD_ML = 1.5
BLOOD_DEPTH_MM = 3.0
HEART_MARGIN_MM = 3.0
"""Hot voxels up to so far outside a vessel's wall are its wall and no myocardium."""
MEDIAN = DEPTH_QUANTILES.index(50)

Places = dict[str, NDArray[Any]]


def blood_level(parts: Sequence[Rows], pet: Volume) -> float | None:
    """Median activity (Bq/mL) of the deepest `BLOOD_ML` at depth_p50 >= `BLOOD_DEPTH_MM`.

    Of the superior vena cava, or else of the aorta; None where neither is so deep. It tells hot myocardium and nothing
    else: the blood pool of a TBR is chosen by an analysis.
    """
    for vessel in (SVC, AORTA):
        own = [rows for rows in parts if REGIONS[rows.region].vessel == vessel]
        if not own:
            continue
        depth = np.concatenate([rows.depth[:, MEDIAN] for rows in own])
        index = np.concatenate([rows.index for rows in own])
        deepest = np.argsort(-depth, kind="stable")[: max(1, round(BLOOD_ML / pet.grid.voxel_ml))]
        deepest = deepest[depth[deepest] >= BLOOD_DEPTH_MM]
        if len(deepest):
            return float(np.median(pet.data[tuple(index[deepest].T)]))
    return None


def distances(
    parts: Sequence[Rows], pet: Volume, ct: Volume, segmentation: Segmentation, *, blood: float | None, threads: int
) -> tuple[list[Places], list[Finding]]:
    """Columns `station`, `vessel_mm`, `myocardium_mm` and `lung_mm` of each part, and what was noticed."""
    findings = []
    lung, coarse = lungs(ct)
    if not lung.any():
        findings.append(Finding("no-lung-in-view", "No lung was found on the CT: no distance to lung or myocardium."))
    heart = np.zeros(pet.grid.shape, dtype=bool)
    if blood is None:
        findings.append(Finding("blood-level-unknown", "No vessel is deep enough to tell hot myocardium from blood."))
    else:
        top_mm = segmentation.landmarks["carina"][2] if "carina" in segmentation.landmarks else np.inf
        near = _near_vessels(parts, pet.grid.shape)
        heart = hot_myocardium(pet, blood=blood, vessels=near, lung=(lung, coarse), top_mm=top_mm)
    places: list[Places] = [
        {
            "station": np.array([s.station for s in rows.stations], dtype=np.int16)[rows.place],
            "vessel_mm": _to_vessels(rows, segmentation, threads),
            "myocardium_mm": distance_to_mask(heart, pet.grid, rows.mm, threads=threads),
            "lung_mm": distance_to_mask(lung, coarse, rows.mm, threads=threads),
        }
        for rows in parts
    ]
    return places, findings


def _near_vessels(parts: Sequence[Rows], shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    near = np.zeros(shape, dtype=bool)
    for rows in parts:
        near[tuple(rows.index[rows.depth[:, MEDIAN] >= -HEART_MARGIN_MM].T)] = True
    return near


def _to_vessels(rows: Rows, segmentation: Segmentation, threads: int) -> NDArray[np.float32]:
    """To the masks of all other vessels and to the parts of the own one that are elsewhere along it."""
    own = REGIONS[rows.region].vessel
    others = [name for vessel in VESSELS if vessel != own for name in regions_of(vessel)]
    labels = segmentation.labels
    to_others = distance_to_mask(labels.mask(*others), labels.grid, rows.mm, threads=threads)
    return np.minimum(to_others, distance_to_other_part(rows.stations, rows.place, rows.mm, threads=threads))
