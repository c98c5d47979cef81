"""Arteries and veins with their regions, and the blood of those without a wall of interest (body space, mm)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from petproc.core.regions import AORTA, CAROTIDS, LEFT_CAROTID, RIGHT_CAROTID, SVC, regions_of
from petproc.phantom import paths
from petproc.phantom.canvas import Canvas
from petproc.phantom.person import Person
from petproc.phantom.shapes import Tube, tube
from petproc.phantom.space import Floats
from petproc.phantom.tissues import Contrast, blood, inner_fat
from petproc.phantom.torso import lungs

SHEATH_MM = 3.5
"""Fat around every vessel of the mediastinum and the abdomen."""
ARCH_ABOVE_CARINA_MM = 5.0
LUNG_BESIDE_MM = 45.0
LUNG_BESIDE_SHARE = 0.02
ROOT_MARGIN_MM = 10.0
"""The ascending aorta begins so far above the highest myocardium (world mm)."""
SVC_SPAN = (-30.0, 26.0)
ORIGIN_MM = {LEFT_CAROTID: 9.0, RIGHT_CAROTID: 5.0}
"""Where along its path a carotid leaves the arch, or the brachiocephalic trunk."""
ABOVE_ORIGIN_MM = 20.0
"""The measured common carotid begins so far above its origin (world mm)."""
INLET = 90.0
"""Body height from which a jugular vein counts as one: above the lungs and the medial ends of the clavicles."""
WALLED = (*CAROTIDS, AORTA)
"""Drawn in this order: the aorta lies over the origin of the left carotid."""


@dataclass(frozen=True, eq=False)
class Vessel:
    """A measured vessel: its tube, ordered with flow, and the region of each sample ("" where it has none)."""

    name: str
    tube: Tube
    region: NDArray[np.str_]


def regions_of_aorta(aorta: Tube, *, top_of_myocardium: float, scale: float) -> NDArray[np.str_]:
    """Region of every sample, by the rules that every segmentation follows (`core.regions`; carina, lung beside)."""
    z = aorta.points[:, 2]
    apex = int(z.argmax())
    limit = ARCH_ABOVE_CARINA_MM / scale
    root = int(np.argmax(z > top_of_myocardium + ROOT_MARGIN_MM / scale))
    before = int(np.flatnonzero(z[:apex] <= limit)[-1]) + 1
    after = apex + int(np.flatnonzero(z[apex:] <= limit)[0])
    beside = np.flatnonzero(_lung_beside(aorta.points[after:], LUNG_BESIDE_MM / scale))
    diaphragm = after + int(beside[-1]) + 1
    names = np.full(len(z), "", dtype="<U24")
    for name, start, stop in zip(
        regions_of(AORTA), (root, before, after, diaphragm), (before, after, diaphragm, len(z)), strict=True
    ):
        names[start:stop] = name
    return names


def regions_of_vena_cava(vena_cava: Tube) -> NDArray[np.str_]:
    z = vena_cava.points[:, 2]
    return np.where((z >= SVC_SPAN[0]) & (z <= SVC_SPAN[1]), SVC, "")


def _lung_beside(points: Floats, reach: float) -> NDArray[np.bool_]:
    """Whether more than 2 % of a disc around each point, in its axial plane, is lung."""
    step = np.arange(-reach, reach + 1e-9, 3.0)
    dx, dy = np.meshgrid(step, step)
    inside = dx**2 + dy**2 <= reach**2
    x = points[:, 0:1] + dx[inside]
    y = points[:, 1:2] + dy[inside]
    z = np.broadcast_to(points[:, 2:3], x.shape)
    return np.asarray((lungs(x.astype(np.float32), y.astype(np.float32), z) < 0).mean(axis=1) > LUNG_BESIDE_SHARE)


def named_vessels(person: Person, *, top_of_myocardium: float, top_of_view: float) -> dict[str, Vessel]:
    """The vessels that have a name; those without a region in view (below body height `top_of_view`) have none."""
    aorta, vena_cava = paths.aorta_of(person), paths.vena_cava_of(person)
    vessels = [
        Vessel(AORTA, aorta, regions_of_aorta(aorta, top_of_myocardium=top_of_myocardium, scale=person.scale)),
        Vessel(SVC, vena_cava, regions_of_vena_cava(vena_cava)),
    ]
    for carotid, jugular in zip(CAROTIDS, paths.JUGULARS, strict=True):
        artery, vein = paths.carotid_of(person, carotid), paths.jugular_of(person, jugular)
        fork = person.bifurcation[carotid]
        named = fork < top_of_view
        vessels += [
            Vessel(carotid, artery, region_of_carotid(carotid, artery, fork, person.scale) if named else _none(artery)),
            Vessel(jugular, vein, np.where(vein.points[:, 2] >= INLET, jugular, "") if named else _none(vein)),
        ]
    return {vessel.name: vessel for vessel in vessels}


def draw(canvas: Canvas, vessels: Mapping[str, Vessel], person: Person, contrast: Contrast) -> None:
    """Fat around all vessels first, then the blood of those without a wall, so that no sheath eats a neighbour."""
    upper, lower, artery = blood(contrast.upper_vein), blood(contrast.lower_vein), blood(contrast.artery)
    kinds = (
        (paths.UPPER_VEINS, upper),
        (paths.LOWER_VEINS, lower),
        ([*paths.LUNG_VESSELS, *paths.BRANCHES], artery),
    )
    others = [(Tube.through(path), tissue) for listed, tissue in kinds for path in listed]
    others += [(paths.external_carotid_of(person, side), artery) for side in CAROTIDS]
    others += [(rounded(vessels[side].tube, canvas), upper) for side in paths.JUGULARS]
    others.append((vessels[SVC].tube, upper))
    fat = inner_fat(person.inner_fat_hu)
    for vessel in (*(vessels[name].tube for name in WALLED), *(vessel for vessel, _ in others)):
        canvas.paint(tube(canvas.lattice, vessel, grow=SHEATH_MM), fat)
    for vessel, tissue in others:
        canvas.paint(tube(canvas.lattice, vessel), tissue)


def rounded(vessel: Tube, canvas: Canvas) -> Tube:
    """The tube to draw so that the soft edge, which is right for flat faces, gives a thin round vessel its volume.

    Over a disc of radius R an edge of standard deviation s sums up to pi (R^2 + s^2).
    """
    return replace(vessel, radius=np.sqrt(np.maximum(vessel.radius**2 - float(canvas.edge) ** 2, 0.25)))


def region_of_carotid(name: str, carotid: Tube, fork: float, scale: float) -> NDArray[np.str_]:
    """Common carotid: from 2 cm above its origin, the end of the vessel that it leaves, up to the bifurcation."""
    start = ORIGIN_MM[name] + ABOVE_ORIGIN_MM / scale
    rising = carotid.points[:, 2] <= fork
    return np.where((carotid.arc >= start) & rising, name, "")


def _none(vessel: Tube) -> NDArray[np.str_]:
    return np.full(len(vessel.points), "", dtype="<U24")
