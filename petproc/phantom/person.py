"""Who the phantom's participants are and how they come to their two visits. Everything follows from the seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np

from petproc.core.acquisition import Sex
from petproc.core.regions import AORTA, CAROTIDS
from petproc.phantom.tissues import FAT

Session = Literal["baseline", "followup"]
SESSIONS: tuple[Session, ...] = ("baseline", "followup")
Myocardium = Literal["cold", "patchy", "hot"]
Dialect = Literal["siemens", "ge"]
ADULT_M = 1.75
"""Height of a body of scale 1."""


@dataclass(frozen=True)
class HotSpot:
    """A Gaussian patch of a wall with `gain` times more uptake in its middle."""

    arc_mm: float
    angle_deg: float
    length_mm: float
    width_deg: float
    gain: float


@dataclass(frozen=True)
class Wall:
    """`thickness_mm` in world mm: 1.5 to 3 of the aorta, 1 to 1.5 of a carotid."""

    thickness_mm: float
    hot_spots: tuple[HotSpot, ...]


@dataclass(frozen=True)
class Person:
    number: int
    name: str
    sex: Sex
    birth_date: date
    height_m: float
    weight_kg: float
    dialect: Dialect
    aorta_scale: float
    tortuosity_mm: float
    myocardium: Myocardium
    walls: dict[str, Wall]
    """Of aorta and carotids."""
    target_tbr: dict[str, float]
    """Uptake aimed at per region; what is measured differs with hot spots, radius and neighbours."""
    blood_suv: float
    radius_mm: dict[str, float]
    """Outer radius of carotids and jugular veins, world mm."""
    bifurcation: dict[str, float]
    """Body height of the bifurcation of each common carotid."""
    inner_fat_hu: float = FAT.hu
    """Of mediastinum, retroperitoneum and the sheaths of vessels."""

    @property
    def scale(self) -> float:
        return self.height_m / ADULT_M


@dataclass(frozen=True)
class Visit:
    """One PET/CT of a person."""

    session: Session
    weight_kg: float
    dose_bq: float
    injection: datetime
    uptake_min: float
    """from injection to the first bed"""
    roll_deg: float
    translation_mm: tuple[float, float, float]
    blood_suv: float


def draw_person(seed: int, number: int) -> Person:
    """Participant `number` (from 1) of the trial `seed`; sizes, sexes, scanners and hearts take turns."""
    rng = np.random.default_rng([seed, number])
    sex: Sex = "F" if (number + seed) % 2 else "M"
    height_m = round(float(rng.uniform(1.58, 1.70) if sex == "F" else rng.uniform(1.70, 1.86)), 2)
    weight_kg = round(float(rng.uniform(22.5, 31.0)) * height_m**2, 1)
    ascending = float(rng.uniform(1.9, 2.25))
    target = {
        "ascending_aorta": ascending,
        "aortic_arch": ascending * float(rng.uniform(0.86, 0.94)),
        "descending_aorta": ascending * float(rng.uniform(0.76, 0.84)),
        "abdominal_aorta": ascending * float(rng.uniform(0.72, 0.84)),
    }
    spots = _hot_spots(rng, range(30, 560, 24))
    drawn = Person(
        number=number,
        name=f"P{number:03d}",
        sex=sex,
        birth_date=date(1945, 1, 1) + timedelta(days=int(rng.integers(0, 9000))),
        height_m=height_m,
        weight_kg=weight_kg,
        dialect="siemens" if number % 2 else "ge",
        aorta_scale=float(rng.uniform(0.94, 1.08)),
        tortuosity_mm=float(rng.uniform(-5, 5)),
        myocardium=("cold", "hot", "patchy")[number % 3],
        walls={AORTA: Wall(float(rng.uniform(1.7, 2.8)), spots)},
        target_tbr=target,
        blood_suv=float(rng.uniform(0.85, 1.15)),
        radius_mm={},
        bifurcation={},
    )
    return _with_neck(drawn, rng)


def _with_neck(person: Person, rng: np.random.Generator) -> Person:
    """Carotids and jugular veins; one carotid may be the hottest vessel of all."""
    ascending = person.target_tbr["ascending_aorta"]
    target = {side: ascending * float(rng.uniform(0.95, 1.25)) for side in CAROTIDS}
    radius = {side: float(rng.uniform(3.4, 4.0)) for side in CAROTIDS}
    walls = {side: Wall(float(rng.uniform(1.0, 1.5)), _hot_spots(rng, range(20, 130, 24))) for side in CAROTIDS}
    veins = {vein: float(rng.uniform(5.0, 7.5)) for vein in ("left_internal_jugular", "right_internal_jugular")}
    fork = {side: float(rng.uniform(134.0, 148.0)) for side in CAROTIDS}
    return replace(
        person,
        walls=person.walls | walls,
        target_tbr=person.target_tbr | target,
        radius_mm=radius | veins,
        bifurcation=fork,
    )


def _hot_spots(rng: np.random.Generator, arcs: range) -> tuple[HotSpot, ...]:
    return tuple(
        HotSpot(
            arc_mm=float(arc + rng.uniform(-8, 8)),
            angle_deg=float(rng.uniform(0, 360)),
            length_mm=float(rng.uniform(6, 11)),
            width_deg=float(rng.uniform(35, 60)),
            gain=float(rng.uniform(0.15, 0.35)),
        )
        for arc in arcs
    )


def draw_visit(person: Person, session: Session, seed: int) -> Visit:
    """Visits differ in weight, dose, uptake time and position, as they do."""
    which = SESSIONS.index(session)
    rng = np.random.default_rng([seed, person.number, 1 + which])
    first = datetime(2025, 3, 3, 8, 30) + timedelta(days=7 * (person.number - 1))
    day = first + timedelta(days=which * int(70 + rng.integers(-4, 5)), minutes=int(rng.integers(0, 180)))
    weight_kg = round(person.weight_kg + (float(rng.uniform(-2, 2)) if which else 0.0), 1)
    return Visit(
        session=session,
        weight_kg=weight_kg,
        dose_bq=float(np.round(weight_kg * rng.uniform(3.2, 4.0), 1) * 1e6),
        injection=day,
        uptake_min=round(120.0 + float(rng.uniform(-8, 8)), 1),
        roll_deg=float(rng.uniform(-2, 2)),
        translation_mm=(float(rng.uniform(-6, 6)), float(rng.uniform(-6, 6)), float(rng.uniform(-5, 5))),
        blood_suv=person.blood_suv * float(rng.uniform(0.94, 1.06)),
    )
