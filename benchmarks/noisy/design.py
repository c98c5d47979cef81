"""Which scans are made: one person in four sizes, two ways to lie on the table, three levels of noise, six PET grids.

Each factor varies with the others held at those of the standard: size M, 10 % noise, 4 x 4 x 3 mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from petproc.core.regions import CAROTIDS
from petproc.phantom.person import SESSIONS, Person, Session
from petproc.phantom.sizes import SIZES, Size, person_of_size
from petproc.phantom.space import DEMO, PhantomGrid

SEED = 1
STANDARD_SIZE: Size = "M"
STANDARD_COV = 0.10
COVS = (0.05, 0.10, 0.15)
"""SD of a voxel over its mean at the activity of the liver."""
STANDARD_MM = (4.0, 4.0, 3.0)
VOXELS_MM = (
    (2.0, 2.0, 3.0),
    (3.0, 3.0, 3.0),
    STANDARD_MM,
    (5.5, 5.5, 3.0),
    (4.0, 4.0, 2.0),
    (4.0, 4.0, 5.0),
)
"""Edges of a PET voxel: in plane at slices of 3 mm, then slices at 4 mm in plane."""
FIELD_MM, HEIGHT_MM = 512.0, 600.0
CAROTID_MM: dict[Size, float] = {"S": 3.0, "M": 3.5, "L": 4.0, "XL": 4.5}
"""Outer radius of both common carotids: the phantom's own lies between 3.4 and 4.0 whatever the size of the body."""


@dataclass(frozen=True)
class Group:
    """Scans that share everything but their noise: of each of `covs` as many as `realisations` says, one without."""

    size: Size
    session: Session
    voxel_mm: tuple[float, float, float]
    covs: tuple[float, ...]
    realisations: tuple[int, ...]

    def words(self) -> str:
        return f"{self.size} {self.session} {in_words(self.voxel_mm)}"

    def seed(self, level: int, number: int) -> Sequence[int]:
        """Of realisation `number` of the level `level` in `covs`; the same whatever else is made."""
        edges = [int(10 * edge) for edge in self.voxel_mm]
        cov = int(1000 * self.covs[level] + 0.5)
        return [SEED, SIZES.index(self.size), SESSIONS.index(self.session), *edges, cov, number]


def groups(realisations: int) -> list[Group]:
    """`realisations` of each noise, twice as many at the standard one, where sizes and voxels are told apart.

    The largest first, so that two processes end together.
    """
    counts = tuple(realisations * (2 if cov == STANDARD_COV else 1) for cov in COVS)
    made = [Group(size, session, STANDARD_MM, COVS, counts) for size in SIZES for session in SESSIONS]
    made += [
        Group(STANDARD_SIZE, session, voxel_mm, (STANDARD_COV,), (2 * realisations,))
        for voxel_mm in VOXELS_MM
        for session in SESSIONS
        if voxel_mm != STANDARD_MM
    ]
    return sorted(made, key=lambda group: -sum(group.realisations) / (group.voxel_mm[0] ** 2 * group.voxel_mm[2]))


def person_in(size: Size) -> Person:
    """The same person in another size: height, weight and width of every vessel; walls and their uptake stay."""
    person = person_of_size(STANDARD_SIZE, lean=False, seed=SEED)
    body = person_of_size(size, lean=False, seed=SEED)
    return replace(
        person,
        name=size,
        height_m=body.height_m,
        weight_kg=body.weight_kg,
        aorta_scale=body.aorta_scale,
        radius_mm=person.radius_mm | dict.fromkeys(CAROTIDS, CAROTID_MM[size]),
    )


def grid_of(voxel_mm: tuple[float, float, float]) -> PhantomGrid:
    """The demo's CT, and a PET of the same extent with voxels of `voxel_mm`."""
    across, along = round(FIELD_MM / voxel_mm[0]), round(HEIGHT_MM / voxel_mm[2])
    return replace(DEMO, pet_shape=(across, across, along), pet_mm=voxel_mm)


def in_percent(cov: float) -> str:
    return f"{100 * cov:g} %"


def in_words(voxel_mm: tuple[float, float, float]) -> str:
    return " x ".join(f"{edge:g}" for edge in voxel_mm)
