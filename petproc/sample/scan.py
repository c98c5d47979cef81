"""One scan from images to tables: the only place where its pixels are touched after `segment` and `align`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding, Refusal
from petproc.core.results import Alignment, Segmentation
from petproc.core.volume import Volume
from petproc.sample.motion import cropped, moved
from petproc.sample.spill import blood_level, distances, neighbours_of
from petproc.sample.tables import station_table, voxel_table
from petproc.sample.vessels import Vessels, vessels_of
from petproc.settings import SampleSettings, plain

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Sample:
    """Voxel table and stations table of one scan and segmentation, and what is to be known of them."""

    voxels: pa.Table
    stations: pa.Table
    sidecar: dict[str, Any]
    findings: tuple[Finding, ...] = ()


def sample_scan(
    pet: Volume,
    ct: Volume,
    acquisition: PetAcquisition,
    segmentation: Segmentation,
    alignment: Alignment,
    *,
    settings: SampleSettings,
    threads: int,
    scan: str,
) -> Sample:
    """Tables of every PET voxel in or within reach of a vessel, and of every station.

    `pet` in Bq/mL, `ct` in HU, `segmentation` on the CT's grid. CT and vessels are moved by `alignment` only if it is
    applied. Refuses labels that are not on the CT's grid, and a scan without any segmented vessel in its PET.
    """
    if not segmentation.labels.grid.matches(ct.grid):
        raise Refusal(
            "labels-not-on-ct",
            "The labels are not on the grid of the CT.",
            "Segment this CT, or resample the labels to it.",
            scan,
        )
    ct, segmentation = moved(ct, cropped(segmentation), alignment)
    vessels = vessels_of(segmentation, pet.grid, reach_mm=settings.reach_mm, threads=threads)
    if not vessels.rows:
        raise Refusal(
            "no-vessel-in-pet",
            "No segmented vessel lies inside the PET volume.",
            "Look at the overlays; check that this CT belongs to this PET.",
            scan,
        )
    blood = blood_level(vessels.rows, pet)
    heart, lung, findings = neighbours_of(vessels.rows, pet, ct, segmentation, blood=blood)
    away = distances(vessels.rows, segmentation, heart, lung, threads=threads)
    return Sample(
        voxel_table(vessels.rows, away, pet),
        station_table(segmentation.stations, pet.grid, acquisition),
        _sidecar(pet, segmentation, alignment, vessels, blood) | {"settings": plain(settings)},
        (*vessels.findings, *findings),
    )


def _sidecar(
    pet: Volume, segmentation: Segmentation, alignment: Alignment, vessels: Vessels, blood: float | None
) -> dict[str, Any]:
    return {
        "backend": segmentation.backend,
        "scores": {region: dict(scores) for region, scores in segmentation.scores.items()},
        "absent": vessels.absent,
        "landmarks": {name: list(place) for name, place in segmentation.landmarks.items()},
        "wall_stray_fraction": vessels.stray,
        "blood_bq_per_ml": blood,
        "pet_shape": list(pet.grid.shape),
        "pet_affine": pet.grid.affine.tolist(),
        "rows": {region: len(rows) for region, rows in vessels.rows.items()},
        "alignment_applied": alignment.applied,
        "translation_mm": list(alignment.translation_mm),
        "rotation_deg": list(alignment.rotation_deg),
    }
