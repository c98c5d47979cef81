"""A scan made by hand: a straight descending aorta and a straight vena cava, side by side, as tables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from acquisitions import acquired

from petproc.core.acquisition import PetAcquisition
from petproc.core.regions import REGIONS, SVC
from petproc.core.tables import SHIFTED, SHIFTS
from petproc.quantify import ScanTables

INJECTION = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
SPACING = np.array([4.0, 4.0, 3.0])
SHAPE = (30, 12, 20)
VOXEL_ML = 0.048
REACH_MM = 6.0


@dataclass(frozen=True)
class Vessel:
    """A straight tube down the planes, its axis at (x, y) mm, with `blood` Bq/mL everywhere."""

    region: str
    x: float
    y: float = 20.0
    radius: float = 10.0
    blood: float = 4000.0
    ring_score: float = 0.8
    visible_fraction: float = 1.0
    hottest: dict[int, float] = field(default_factory=dict)
    """plane k -> activity of the voxel on the axis in it"""


def station_table(vessels: tuple[Vessel, ...]) -> dict[str, Any]:
    """Stations every 2 mm from the top plane (57 mm) to the bottom; arc length 0 at the top."""
    z = np.arange(57.0, -0.1, -2.0)
    count = len(z)
    columns: dict[str, list[Any]] = {}
    for vessel in vessels:
        part = {
            "vessel": [REGIONS[vessel.region].vessel] * count,
            "region": [vessel.region] * count,
            "station": np.arange(count),
            "arc_mm": 57.0 - z,
            "x_mm": np.full(count, vessel.x),
            "y_mm": np.full(count, vessel.y),
            "z_mm": z,
            "tangent_x": np.zeros(count),
            "tangent_y": np.zeros(count),
            "tangent_z": np.full(count, -1.0),
            "radius_mm": np.full(count, vessel.radius),
            "ring_score": np.full(count, vessel.ring_score),
            "visible_fraction": np.full(count, vessel.visible_fraction),
            "in_pet": np.ones(count, dtype=bool),
            "acquisition_min": np.zeros(count),
        }
        for name, values in part.items():
            columns.setdefault(name, []).append(np.asarray(values))
    table = {name: np.concatenate(parts) for name, parts in columns.items()}
    return {**table, "vessel": table["vessel"].astype(object), "region": table["region"].astype(object)}


def voxel_table(vessels: tuple[Vessel, ...]) -> dict[str, Any]:
    """Rows as `sample` writes them; every depth quantile is the depth of the voxel's centre, but p90 1.5 mm more."""
    k, j, i = (axis.ravel() for axis in np.meshgrid(*map(np.arange, SHAPE[::-1]), indexing="ij"))
    parts: list[dict[str, Any]] = []
    for vessel in sorted(vessels, key=lambda vessel: REGIONS[vessel.region].value):
        depth = vessel.radius - np.hypot(i * 4.0 - vessel.x, j * 4.0 - vessel.y)
        near = depth >= -REACH_MM
        activity = np.full(len(i), vessel.blood)
        for plane, value in vessel.hottest.items():
            activity[(i * 4.0 == vessel.x) & (j * 4.0 == vessel.y) & (k == plane)] = value
        part = {"region": np.full(len(i), REGIONS[vessel.region].value, dtype=np.uint8), "i": i, "j": j, "k": k}
        part |= {"activity": activity.astype(np.float32)}
        part |= {f"depth_p{q}": depth.astype(np.float32) for q in (10, 25, 50, 75)}
        part |= {"depth_p90": (depth + 1.5).astype(np.float32)}
        part |= {"station": np.rint((57.0 - k * 3.0) / 2.0).astype(np.int16), "angle_deg": np.zeros(len(i))}
        part |= {name: np.full(len(i), 100.0) for name in ("vessel_mm", "myocardium_mm", "lung_mm")}
        for name, (right, front, _) in SHIFTS.items():
            moved = vessel.radius - np.hypot(i * 4.0 - vessel.x - right, j * 4.0 - vessel.y - front)
            part |= {SHIFTED[name]: moved.astype(np.float32)}
        parts.append({name: values[near] for name, values in part.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def acquisition(**changes: Any) -> PetAcquisition:
    """70 kg and 140 MBq at the reference time: SUV = activity / 2000; the upper ten planes 4 minutes later."""
    times = tuple(INJECTION + timedelta(minutes=120 + 4 * (k >= 10)) for k in range(SHAPE[2]))
    known = acquired(times, injection=INJECTION, injected_activity_bq=140e6, decay_correction="ADMIN")
    return replace(known, **changes)


AORTA = Vessel("descending_aorta", x=32.0, hottest={k: 8000.0 + 400.0 * k for k in range(SHAPE[2])})
CAVA = Vessel(SVC, x=88.0, radius=9.0)


def scan_of(*vessels: Vessel, **changes: Any) -> ScanTables:
    sample = {
        "scores": {},
        "absent": {},
        "pet_shape": list(SHAPE),
        "pet_affine": np.diag([*SPACING, 1.0]).tolist(),
    }
    known = ScanTables("01", "baseline", voxel_table(vessels), station_table(vessels), sample, acquisition())
    return replace(known, **changes)
