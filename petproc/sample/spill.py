"""The rows' distances to what may spill into them, and the blood level that tells hot myocardium."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding
from petproc.core.regions import AORTA, REGIONS, SVC, VESSELS, regions_of
from petproc.core.results import Segmentation
from petproc.core.volume import Volume
from petproc.sample.heart import hot_myocardium, lungs
from petproc.sample.neighbours import Neighbour, distance_to_other_part
from petproc.sample.rows import Rows
from petproc.sample.tree import Tree, trees_of

BLOOD_ML = 1.5
BLOOD_DEPTH_MM = 3.0
HEART_MARGIN_MM = 3.0
"""Hot voxels up to so far outside a vessel's wall are its wall and no myocardium."""

Distances = dict[str, NDArray[np.float32]]


def blood_level(rows: Mapping[str, Rows], pet: Volume) -> float | None:
    """Median activity (Bq/mL) of the deepest `BLOOD_ML` at depth_p50 >= `BLOOD_DEPTH_MM`.

    Of the superior vena cava, or else of the aorta; None where neither is so deep. It tells hot myocardium and nothing
    else: the blood pool of a TBR is chosen by an analysis.
    """
    for vessel in (SVC, AORTA):
        own = [rows[region] for region in regions_of(vessel) if region in rows]
        if not own:
            continue
        depth = np.concatenate([part.median_depth for part in own])
        index = np.concatenate([part.index for part in own])
        deepest = np.argsort(-depth, kind="stable")[: max(1, round(BLOOD_ML / pet.grid.voxel_ml))]
        deepest = deepest[depth[deepest] >= BLOOD_DEPTH_MM]
        if len(deepest):
            return float(np.median(pet.data[tuple(index[deepest].T)]))
    return None


def neighbours_of(
    rows: Mapping[str, Rows], pet: Volume, ct: Volume, segmentation: Segmentation, *, blood: float | None
) -> tuple[Neighbour, Neighbour, list[Finding]]:
    """Hot myocardium and lung, and what was noticed in looking for them."""
    findings = []
    lung, coarse = lungs(ct)
    if not lung.any():
        findings.append(Finding("no-lung-in-view", "No lung was found on the CT: no distance to lung or myocardium."))
    heart = np.zeros(pet.grid.shape, dtype=bool)
    if blood is None:
        findings.append(Finding("blood-level-unknown", "No vessel is deep enough to tell hot myocardium from blood."))
    else:
        top_mm = segmentation.landmarks["carina"][2] if "carina" in segmentation.landmarks else np.inf
        vessels = np.zeros(pet.grid.shape, dtype=bool)
        for part in rows.values():
            vessels[tuple(part.index[part.median_depth >= -HEART_MARGIN_MM].T)] = True
        heart = hot_myocardium(pet, blood=blood, vessels=vessels, lung=(lung, coarse), top_mm=top_mm)
    return Neighbour(heart, pet.grid), Neighbour(lung, coarse), findings


def distances(
    rows: Mapping[str, Rows], segmentation: Segmentation, heart: Neighbour, lung: Neighbour, *, threads: int
) -> dict[str, Distances]:
    """Columns `vessel_mm`, `myocardium_mm` and `lung_mm` of each region.

    Of an organ every vessel is another. A vessel's own tree (`tree`) has no walls where its branches leave it; in it
    only parts that come back are neighbours. Organs are neighbours of nothing.
    """
    labels = segmentation.labels
    columns: dict[str, Distances] = {}
    for regions, tree in _groups(rows, segmentation):
        others = [
            name for vessel in VESSELS if tree is None or vessel not in tree.vessels for name in regions_of(vessel)
        ]
        other = Neighbour(labels.mask(*others), labels.grid)
        for region in regions:
            mm = rows[region].mm
            away = other.distance(mm, threads=threads)
            if tree is not None:
                own = distance_to_other_part(tree, REGIONS[region].vessel, rows[region].station, mm, threads=threads)
                away = np.minimum(away, own)
            columns[region] = {
                "vessel_mm": away,
                "myocardium_mm": heart.distance(mm, threads=threads),
                "lung_mm": lung.distance(mm, threads=threads),
            }
    return columns


def _groups(rows: Mapping[str, Rows], segmentation: Segmentation) -> list[tuple[list[str], Tree | None]]:
    """The regions of every tree of vessels with it, and the organs without one."""
    organs = [name for name in rows if REGIONS[name].kind == "organ"]
    trees = trees_of(segmentation.stations)
    return [
        *(([name for name in rows if REGIONS[name].vessel in tree.vessels], tree) for tree in trees),
        (organs, None),
    ]
