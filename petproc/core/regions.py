"""Every region by name, once: its vessel, its label value, how it is sliced, which blood pool it is divided by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Slicing = Literal["axial", "centreline"]


@dataclass(frozen=True)
class Region:
    """A named stretch of a vessel.

    `value` is its value in label images; `vessel` the tube whose centreline it lies on; `slicing` how it is cut into
    slices (axial PET planes, or slabs across the centreline where the vessel turns); `background` the region whose
    blood pool it is divided by unless an analysis names another; `target` whether uptake of its wall is an outcome.
    """

    name: str
    value: int
    vessel: str
    slicing: Slicing
    background: str
    target: bool = True


AORTA = "aorta"
SVC = "superior_vena_cava"

REGIONS: dict[str, Region] = {
    region.name: region
    for region in (
        Region("ascending_aorta", 1, AORTA, "axial", SVC),
        Region("aortic_arch", 2, AORTA, "centreline", SVC),
        Region("descending_aorta", 3, AORTA, "axial", SVC),
        Region("abdominal_aorta", 4, AORTA, "axial", SVC),
        Region(SVC, 5, SVC, "axial", SVC, target=False),
    )
}
LABEL_NAMES: dict[int, str] = {region.value: region.name for region in REGIONS.values()}
VESSELS: tuple[str, ...] = tuple(dict.fromkeys(region.vessel for region in REGIONS.values()))


def regions_of(vessel: str) -> tuple[str, ...]:
    """Names of the regions of `vessel` in the direction of flow, which is also the order of their label values."""
    return tuple(region.name for region in REGIONS.values() if region.vessel == vessel)
