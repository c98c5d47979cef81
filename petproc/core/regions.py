"""Every region by name, once: what it is, its label value, how it is sliced, which blood pool it is divided by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Slicing = Literal["axial", "centreline", "none"]
Kind = Literal["artery", "vein", "organ"]
Direction = tuple[float, float, float]

UP, DOWN = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)
LEFT, RIGHT = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
BACK_LEFT = (-1.0, -1.0, 0.0)


@dataclass(frozen=True)
class Region:
    """A named stretch of a vessel, or an organ.

    `value` is its value in label images; `vessel` the tube whose centreline it lies on (an organ has none and names
    itself); `slicing` how it is cut into slices (axial PET planes, slabs across the centreline where the vessel turns,
    or not at all); `background` the region whose blood pool it is divided by unless an analysis names another; `flow`
    roughly where its blood runs (RAS+), by which a line through it is put in order; `target` whether uptake of its wall
    is an outcome.
    """

    name: str
    value: int
    vessel: str
    slicing: Slicing
    background: str
    flow: Direction
    kind: Kind = "artery"

    @property
    def target(self) -> bool:
        return self.kind == "artery"


AORTA = "aorta"
SVC, IVC = "superior_vena_cava", "inferior_vena_cava"
LEFT_CAROTID, RIGHT_CAROTID = "left_common_carotid", "right_common_carotid"
CAROTIDS = (LEFT_CAROTID, RIGHT_CAROTID)

REGIONS: dict[str, Region] = {
    region.name: region
    for region in (
        Region("ascending_aorta", 1, AORTA, "axial", SVC, UP),
        Region("aortic_arch", 2, AORTA, "centreline", SVC, BACK_LEFT),
        Region("descending_aorta", 3, AORTA, "axial", SVC, DOWN),
        Region("abdominal_aorta", 4, AORTA, "axial", SVC, DOWN),
        Region(SVC, 5, SVC, "axial", SVC, DOWN, "vein"),
        Region(IVC, 6, IVC, "axial", IVC, UP, "vein"),
        Region(LEFT_CAROTID, 7, LEFT_CAROTID, "axial", SVC, UP),
        Region(RIGHT_CAROTID, 8, RIGHT_CAROTID, "axial", SVC, UP),
        Region("left_internal_jugular", 9, "left_internal_jugular", "axial", "left_internal_jugular", DOWN, "vein"),
        Region("right_internal_jugular", 10, "right_internal_jugular", "axial", "right_internal_jugular", DOWN, "vein"),
        Region("brachiocephalic_trunk", 11, "brachiocephalic_trunk", "centreline", SVC, UP),
        Region("left_subclavian", 12, "left_subclavian", "centreline", SVC, LEFT),
        Region("right_subclavian", 13, "right_subclavian", "centreline", SVC, RIGHT),
        Region("left_iliac", 14, "left_iliac", "centreline", SVC, DOWN),
        Region("right_iliac", 15, "right_iliac", "centreline", SVC, DOWN),
        Region("liver", 16, "liver", "none", SVC, UP, "organ"),
        Region("spleen", 17, "spleen", "none", SVC, UP, "organ"),
        Region("vertebral_marrow", 18, "vertebral_marrow", "none", SVC, UP, "organ"),
    )
}
"""The blood pool of every artery is the superior vena cava, so that one scan has one (a choice of ours). Trials divided
carotids by the jugular vein too (Bucerius 2014, doi:10.1007/s00259-013-2569-6), which is mostly too thin to hold 1.5 mL
free of partial volume; an analysis can name it."""
LABEL_NAMES: dict[int, str] = {region.value: region.name for region in REGIONS.values()}
VESSELS: tuple[str, ...] = tuple(dict.fromkeys(region.vessel for region in REGIONS.values() if region.kind != "organ"))
ORGANS: tuple[str, ...] = tuple(region.name for region in REGIONS.values() if region.kind == "organ")
LANDMARKS: dict[str, str] = {
    AORTA: "carina",
    LEFT_CAROTID: "left_carotid_bifurcation",
    RIGHT_CAROTID: "right_carotid_bifurcation",
}
"""The landmark by which visits are matched along a vessel; of others arc length counts from their first station."""
GUIDES: dict[str, int] = {
    "myocardium": 101,
    "vertebra_t12": 102,
    AORTA: 103,
    "sinotubular_junction": 104,
    "left_internal_carotid": 105,
    "left_external_carotid": 106,
    "right_internal_carotid": 107,
    "right_external_carotid": 108,
}
"""Masks of other programs that are no region but tell where regions begin and end, with a value that no region has. The
`aorta` is the undivided one."""


def regions_of(vessel: str) -> tuple[str, ...]:
    """Names of the regions of `vessel` in the direction of flow, which is also the order of their label values."""
    return tuple(region.name for region in REGIONS.values() if region.vessel == vessel)
