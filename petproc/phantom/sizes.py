"""People from small to extra large, and lean ones: bodies on which a segmentation is tried. Round values of ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from petproc.phantom.person import Person, draw_person

Size = Literal["S", "M", "L", "XL"]
SIZES: tuple[Size, ...] = ("S", "M", "L", "XL")
LEAN_FAT_HU = (-20.0, 20.0)
"""What a lean person has in place of the fat of mediastinum and retroperitoneum: no dark border around the vessels."""
LEAN_BMI = 17.5
TORTUOSITY_MM = 7.0


@dataclass(frozen=True)
class _Build:
    """`aorta` multiplies the radius of aorta and vena cava, before the scale of the body does."""

    height_m: float
    bmi: float
    aorta: float


_BUILD: dict[Size, _Build] = {
    "S": _Build(1.54, 20.0, 0.90),
    "M": _Build(1.72, 25.0, 1.00),
    "L": _Build(1.82, 30.0, 1.05),
    "XL": _Build(1.90, 36.0, 1.10),
}


def person_of_size(size: Size, *, lean: bool, seed: int) -> Person:
    """A person of one build; height, weight, vessel widths and tortuosity vary a little with `seed`."""
    build, number = _BUILD[size], 1 + 2 * SIZES.index(size) + int(lean)
    rng = np.random.default_rng([seed, number, 31])
    height_m = round(build.height_m * float(rng.uniform(0.98, 1.02)), 2)
    bmi = (LEAN_BMI if lean else build.bmi) * float(rng.uniform(0.95, 1.05))
    drawn = draw_person(seed, number)
    return replace(
        drawn,
        name=f"{size}{'lean' if lean else ''}{seed}",
        height_m=height_m,
        weight_kg=round(bmi * height_m**2, 1),
        aorta_scale=build.aorta * float(rng.uniform(0.95, 1.05)),
        tortuosity_mm=float(rng.uniform(-TORTUOSITY_MM, TORTUOSITY_MM)),
        inner_fat_hu=float(rng.uniform(*LEAN_FAT_HU)) if lean else drawn.inner_fat_hu,
    )
