"""What the stages of one scan hand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding
from petproc.core.tables import Station
from petproc.core.volume import Labels, Volume

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Ingested:
    """A PET/CT as images: PET in Bq/mL at one reference time, CT in HU, and all that SUV and uptake time need.

    The sidecars are PET-BIDS keys at the top level and ours under `petproc`: per slice the acquisition time and
    SOPInstanceUID, per file its SHA-256. They hold no name, birth date, original identifier or path.
    """

    pet: Volume
    ct: Volume
    acquisition: PetAcquisition
    pet_sidecar: Mapping[str, Any]
    ct_sidecar: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Segmentation:
    """Vessels on the CT grid with the centrelines and scores by which they are judged later.

    `stations` are sorted by vessel and station; `scores` are those of a whole region (region -> name -> value), such
    as `path_cost`, `path_length_mm`, `apex_above_carina_mm` of the arch; `absent` says in words why a region that
    was looked for is not there (region -> reason); `landmarks` in RAS+ mm (`carina`); `made_with` the program, weights
    and options of a backend that is not ours, in plain JSON types.
    """

    labels: Labels
    stations: tuple[Station, ...]
    backend: str
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    landmarks: Mapping[str, Point] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    made_with: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RegionOffset:
    """How far the PET lies from the CT in one part of the body: from the place `at_mm` on the CT by `offset_mm`, RAS+
    mm, with the standard error `uncertainty_mm` of its length; None with a `reason` where it cannot be told."""

    at_mm: Point | None = None
    offset_mm: Point | None = None
    uncertainty_mm: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Alignment:
    """Rigid motion that takes a place on the CT to the same anatomy on the PET.

    p_pet = R (p_ct - centre) + centre + translation, RAS+ mm; `rotation_deg` are the angles about x, y, z, applied in
    this order; `uncertainty_mm` and `rotation_uncertainty_deg` are standard errors (root of the sum over the axes),
    from the spread of the estimate over what it was made from; `applied` says whether `sample` moves the vessels by
    it. `regions`: the offset of neck, chest and abdomen, each estimated by itself.
    """

    translation_mm: Point
    rotation_deg: Point
    centre_mm: Point
    uncertainty_mm: float
    applied: bool
    rotation_uncertainty_deg: float = 0.0
    regions: Mapping[str, RegionOffset] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
