"""What `sample` makes of a scan: the columns of its voxel table, and its stations."""

from __future__ import annotations

from dataclasses import dataclass

DEPTH_QUANTILES = (10, 25, 50, 75, 90)
SHIFT_MM = 2.0
SHIFTS: dict[str, tuple[float, float, float]] = {
    "left": (-SHIFT_MM, 0.0, 0.0),
    "right": (SHIFT_MM, 0.0, 0.0),
    "front": (0.0, SHIFT_MM, 0.0),
    "back": (0.0, -SHIFT_MM, 0.0),
    "up": (0.0, 0.0, SHIFT_MM),
    "down": (0.0, 0.0, -SHIFT_MM),
}
"""How the vessels, all of them together, may lie elsewhere in the PET than the CT has them, RAS+ mm."""
SHIFTED = {name: f"depth_p50_{name}" for name in SHIFTS}
VOXEL_COLUMNS: dict[str, str] = {
    "region": "string",
    "i": "int16",
    "j": "int16",
    "k": "int16",
    "activity": "float32",
    **{f"depth_p{q}": "float32" for q in DEPTH_QUANTILES},
    "station": "int16",
    "angle_deg": "float32",
    "vessel_mm": "float32",
    "myocardium_mm": "float32",
    "lung_mm": "float32",
    **dict.fromkeys(SHIFTED.values(), "float32"),
}
"""One row per PET voxel in or within reach of a region, sorted by region (label value), k, j, i.

`activity` Bq/mL; `depth_pQ` mm under the vessel's lateral outer wall, + inside, the Q % quantile over a lattice in the
voxel; `station` index into the vessel's stations; `angle_deg` around the centreline: 0 towards the patient's left,
90 towards the front (projected across the direction of the centreline), in [0, 360); `*_mm` distance to the nearest
other vessel (a vessel and its branches are one), PET-hot myocardium, lung (capped at `FAR_MM`).
`depth_p50_left` is what `depth_p50` would be if the vessels lay `SHIFT_MM` further to the patient's left and the PET
where it is, and so on for each of `SHIFTS`; region, station and distances stay those of the vessels in place.
Of an organ the voxels of which at least half lies inside, with depth under its surface, `station` -1 and angle 0; the
depths of `SHIFTS` are null there, since only a vessel's numbers are asked how firm they are.
"""
FAR_MM = 100.0


@dataclass(frozen=True)
class Station:
    """A place along a vessel's centreline.

    Stations are 2 mm apart and ordered in the direction of flow (aorta: from the root; vena cava: from above).
    """

    vessel: str
    station: int
    region: str
    arc_mm: float
    """along the centreline from the landmark (aorta: on its descending limb at the height of the carina; carotid: the
    bifurcation; others: the first station), + with flow; where the landmark of an aorta or a carotid is not known, from
    the first station, so that no arc is below 0"""
    x_mm: float
    y_mm: float
    z_mm: float
    tangent_x: float
    tangent_y: float
    tangent_z: float
    radius_mm: float
    """of the circle of equal area"""
    ring_score: float | None
    """how well a circle of blood with a bright-to-dark edge fits, -1 to 1; None where the backend gives none"""
    visible_fraction: float | None
    """share of directions with fat or lung within 5 mm outside the wall; None where the backend gives none"""
