"""A whole person, drawn: one canvas for CT and PET, and the exact geometry of what will be measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petproc.core.grid import Grid
from petproc.phantom import organs, skeleton, torso, vessels, wall
from petproc.phantom.canvas import Canvas
from petproc.phantom.person import Person, Visit
from petproc.phantom.shapes import Distance
from petproc.phantom.space import Lattice, PhantomGrid, Pose
from petproc.phantom.tissues import UNENHANCED, Contrast, blood, inner_fat
from petproc.phantom.vessels import Vessel

MARGIN_MM = 18.0
"""Drawn beyond the images' ends, so that the PSF never meets an edge."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """`canvas` holds everything but the walls of aorta and carotids; `walls` are their activities per unit of blood,
    each in its box. `vessels` by name; those that the images do not reach have no region."""

    canvas: Canvas
    walls: tuple[Distance, ...]
    vessels: Mapping[str, Vessel]
    hot_myocardium: NDArray[np.float64]
    """Points (N, 3), body space."""


def draw(person: Person, visit: Visit, grid: PhantomGrid, *, seed: int, contrast: Contrast = UNENHANCED) -> Anatomy:
    pose = Pose(person.scale, visit.roll_deg, visit.translation_mm)
    fat = torso.fat_mm(visit.weight_kg, person.height_m, woman=person.sex == "F")
    canvas = Canvas(Lattice(_fine_grid(grid, pose, fat), pose))
    rng = np.random.default_rng([seed, person.number, 7])
    named = vessels.named_vessels(
        person, top_of_myocardium=_top_of_myocardium(canvas.lattice), top_of_view=_top_of_view(grid, pose)
    )
    torso.draw(canvas, fat, inner_fat(person.inner_fat_hu))
    skeleton.draw(canvas)
    organs.draw_abdomen(canvas, rng)
    organs.draw_heart(canvas, person, visit.blood_suv, contrast)
    organs.draw_nodes(canvas, rng)
    organs.draw_neck(canvas)
    vessels.draw(canvas, named, person, contrast)
    skeleton.draw_spine(canvas)
    organs.draw_airways(canvas)
    organs.draw_oesophagus(canvas)
    walls = [wall.draw_walled(canvas, named[name], person, blood(contrast.artery)) for name in vessels.WALLED]
    return Anatomy(
        canvas,
        tuple(walls),
        named,
        organs.hot_myocardium(canvas.lattice, person.myocardium),
    )


def _fine_grid(grid: PhantomGrid, pose: Pose, fat: float) -> Grid:
    """Cubes around the body, over the height of both images."""
    step = grid.fine_mm
    half = [extent * pose.scale + 8.0 for extent in torso.half_extent(fat)]
    ends = [
        image.to_mm(np.array([np.zeros(3), np.subtract(image.shape, 1)]))[:, 2]
        for image in (grid.ct_grid(), grid.pet_grid())
    ]
    low, high = np.min(ends) - MARGIN_MM, np.max(ends) + MARGIN_MM
    middle = np.array([*pose.translation_mm[:2], (low + high) / 2])
    extent = np.array([*half, (high - low) / 2])
    shape = tuple(int(n) for n in np.ceil(2 * extent / step))
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = middle - step * (np.array(shape) - 1) / 2
    return Grid((shape[0], shape[1], shape[2]), affine)


def _top_of_view(grid: PhantomGrid, pose: Pose) -> float:
    """Body height of the lower one of the uppermost slices of CT and PET."""
    tops = [image.to_mm(np.subtract(image.shape, 1)) for image in (grid.ct_grid(), grid.pet_grid())]
    return float(min(pose.to_body(top)[2] for top in tops))


def _top_of_myocardium(lattice: Lattice) -> float:
    """Height of the uppermost myocardium in body space; far below where the images end above the heart."""
    box, distance = organs.myocardium(lattice)
    inside = np.flatnonzero((distance <= 0).any(axis=(0, 1))) if distance.size else np.zeros(0, dtype=int)
    return float(lattice.z[0, 0, box[2].start + inside[-1]]) if len(inside) else -999.0
