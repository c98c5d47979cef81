"""One PET/CT of the phantom in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta

import numpy as np
from numpy.typing import NDArray

from petproc.core.acquisition import PetAcquisition
from petproc.core.regions import AORTA, CAROTIDS, LANDMARKS
from petproc.core.results import Point
from petproc.core.suv import F18_HALF_LIFE_S, suv_per_activity
from petproc.core.volume import Labels, Volume
from petproc.phantom import anatomy, geometry, scanner
from petproc.phantom.beds import Beds, beds, blood_factor, wall_factor
from petproc.phantom.geometry import PhantomVessel
from petproc.phantom.organs import CARINA
from petproc.phantom.person import SESSIONS, Person, Session, Visit, draw_person, draw_visit
from petproc.phantom.space import DEMO, Lattice, PhantomGrid
from petproc.phantom.tissues import UNENHANCED, Contrast
from petproc.reference import Geometry

LIVER_COV = 0.015
"""Default noise of a PET voxel in the liver: a long, quiet acquisition (clinical ones have 0.05 to 0.15). The
blood pool is 30 correlated voxels, so that at 0.035 it alone makes one participant's change uncertain by 3 points."""
MODELS = {"siemens": ("SIEMENS", "Biograph128_mCT"), "ge": ("GE MEDICAL SYSTEMS", "Discovery 690")}
HALF_LIFE_S = {"siemens": F18_HALF_LIFE_S, "ge": 6588.0}
"""Both values are in use."""
RECONSTRUCTIONS = {"siemens": "PSF+TOF 3i21s", "ge": "VPFX"}


@dataclass(frozen=True, eq=False)
class PhantomScan:
    """A PET/CT and all that is true of it. `landmarks` (`core.regions.LANDMARKS`) in RAS+ mm."""

    ct: Volume
    pet: Volume
    pet_noise_free: Volume
    labels: Labels
    acquisition: PetAcquisition
    vessels: Mapping[str, PhantomVessel]
    landmarks: Mapping[str, Point]


@dataclass(frozen=True, eq=False)
class PhantomCt:
    """A CT and what is true of it; the same CT, to the bit, as that of the PET/CT with the same arguments."""

    ct: Volume
    labels: Labels
    vessels: Mapping[str, PhantomVessel]
    landmarks: Mapping[str, Point]


@dataclass(frozen=True, eq=False)
class Parts:
    """A scan before the uptake of the wall is decided: PET = rest + s * wall, Bq/mL, (I, J, K) float32.

    `wall_share` and `wall_activity` are the wall's occupancy and its activity per unit of blood on the drawn grid.
    """

    person: Person
    visit: Visit
    grid: PhantomGrid
    ct: Volume
    rest: NDArray[np.float32]
    wall: NDArray[np.float32]
    anatomy: anatomy.Anatomy
    geometry: Geometry
    beds: Beds
    acquisition: PetAcquisition
    rng: np.random.Generator

    def pet(self, wall_scale: float) -> Volume:
        """The noise-free PET."""
        return Volume(self.rest + np.float32(wall_scale) * self.wall, self.grid.pet_grid(), "Bq/mL")

    def scan(self, wall_scale: float, noise: float) -> PhantomScan:
        clean = self.pet(wall_scale)
        liver = scanner.LIVER_SUV / suv_per_activity(self.acquisition)
        noisy = scanner.with_noise(clean.data, noise, voxel_mm=clean.grid.spacing, liver=liver, rng=self.rng)
        return PhantomScan(
            ct=self.ct,
            pet=Volume(noisy, clean.grid, "Bq/mL"),
            pet_noise_free=clean,
            labels=geometry.true_labels(self.anatomy, self.ct.grid),
            acquisition=self.acquisition,
            vessels=_vessels(self.anatomy),
            landmarks=_landmarks(self.anatomy),
        )


def make_scan(
    *,
    seed: int = 1,
    participant: int = 1,
    session: Session = "baseline",
    grid: PhantomGrid = DEMO,
    noise: float = LIVER_COV,
    wall_scale: float = 1.0,
) -> PhantomScan:
    """One scan in memory; `noise` is the PET's coefficient of variation in the liver (0: none, CT included),
    `wall_scale` multiplies the uptake of all walls."""
    person = draw_person(seed, participant)
    visit = draw_visit(person, session, seed)
    return make_parts(person, visit, grid, seed=seed, ct_noise_hu=scanner.CT_NOISE_HU if noise else None).scan(
        wall_scale, noise
    )


def make_ct(
    person: Person,
    visit: Visit,
    grid: PhantomGrid,
    *,
    seed: int,
    ct_noise_hu: float | None = scanner.CT_NOISE_HU,
    contrast: Contrast = UNENHANCED,
) -> PhantomCt:
    """Only the CT of a visit and what is true of it, without making the PET; `ct_noise_hu` (None: none) is its
    standard deviation in a voxel."""
    drawn = anatomy.draw(person, visit, grid, seed=seed, contrast=contrast)
    ct = _ct(drawn, grid, _random(person, visit, seed), ct_noise_hu)
    return PhantomCt(ct, geometry.true_labels(drawn, ct.grid), _vessels(drawn), _landmarks(drawn))


def make_parts(
    person: Person,
    visit: Visit,
    grid: PhantomGrid,
    *,
    seed: int,
    ct_noise_hu: float | None = scanner.CT_NOISE_HU,
) -> Parts:
    rng = _random(person, visit, seed)
    drawn = anatomy.draw(person, visit, grid, seed=seed)
    lattice, pet = drawn.canvas.lattice, grid.pet_grid()
    ct = _ct(drawn, grid, rng, ct_noise_hu)
    wall = np.zeros(lattice.grid.shape, np.float32)
    for box, activity in drawn.walls:
        wall[box] += activity
    images = scanner.Parts(drawn.canvas.suv, drawn.canvas.blood, wall)
    parts = scanner.pet_parts(images, lattice, pet, Lattice(pet, lattice.pose))
    bed = beds(pet.shape[2], person.dialect)
    acquisition = _acquisition(person, visit, bed)
    per_suv = np.float32(1.0 / suv_per_activity(acquisition))
    uptake = visit.uptake_min + bed.plane_start_s() / 60.0
    blood_suv = np.float32(visit.blood_suv)
    return Parts(
        person=person,
        visit=visit,
        grid=grid,
        ct=ct,
        rest=(parts.other + parts.blood * (blood_suv * blood_factor(uptake))) * per_suv,
        wall=parts.wall * (blood_suv * wall_factor(uptake) * per_suv),
        anatomy=drawn,
        geometry=geometry.on_pet(drawn, pet),
        beds=bed,
        acquisition=acquisition,
        rng=rng,
    )


def _random(person: Person, visit: Visit, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, person.number, 11 + SESSIONS.index(visit.session)])


def _ct(drawn: anatomy.Anatomy, grid: PhantomGrid, rng: np.random.Generator, noise_hu: float | None) -> Volume:
    ct = scanner.ct_image(drawn.canvas.hu, drawn.canvas.lattice.grid, grid.ct_grid(), rng=rng, noise_hu=noise_hu or 0.0)
    return Volume(ct, grid.ct_grid(), "HU")


def _vessels(drawn: anatomy.Anatomy) -> dict[str, PhantomVessel]:
    """Those of which a region is in view."""
    lattice = drawn.canvas.lattice
    return {name: geometry.in_world(vessel, lattice) for name, vessel in drawn.vessels.items() if vessel.region.any()}


def _landmarks(drawn: anatomy.Anatomy) -> dict[str, Point]:
    """The carina, and the bifurcation of each carotid in view."""
    pose = drawn.canvas.lattice.pose
    places = {LANDMARKS[AORTA]: pose.to_world(CARINA)}
    for side in CAROTIDS:
        vessel = drawn.vessels[side]
        if vessel.region.any():
            places[LANDMARKS[side]] = pose.to_world(vessel.tube.points[np.flatnonzero(vessel.region)[-1]])
    return {name: (float(x), float(y), float(z)) for name, (x, y, z) in places.items()}


def _acquisition(person: Person, visit: Visit, bed: Beds) -> PetAcquisition:
    injection = visit.injection.replace(tzinfo=UTC)
    first = injection + timedelta(minutes=visit.uptake_min)
    manufacturer, model = MODELS[person.dialect]
    return PetAcquisition(
        tracer="FDG",
        radionuclide="F18",
        half_life_s=HALF_LIFE_S[person.dialect],
        injected_activity_bq=visit.dose_bq,
        injection_time=injection,
        decay_reference_time=first,
        slice_acquisition_time=bed.times(first),
        slice_duration_s=(bed.duration_s,) * len(bed.of_plane),
        weight_kg=visit.weight_kg,
        height_m=person.height_m,
        sex=person.sex,
        units="BQML",
        decay_correction="START",
        manufacturer=manufacturer,
        model=model,
        reconstruction=RECONSTRUCTIONS[person.dialect],
    )
