"""Vessels from the CT alone: no weights, no seeds, no download.

Landmarks (spine, lungs, carina) say where to look; chains of circles of blood find the vessels; a polar surface gives
their outer wall; one tube becomes the aorta's parts. Nothing is judged here: every station carries the scores by which
`quantify` accepts or refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding
from petproc.core.regions import AORTA, IVC, LABEL_NAMES, REGIONS, SVC, regions_of
from petproc.core.results import Point, Segmentation
from petproc.core.tables import Station
from petproc.core.volume import Labels, Volume
from petproc.segment.airway import Airway, find_carina
from petproc.segment.classical.aorta import Aorta, arch_scores, carina_slice, find_aorta
from petproc.segment.classical.cava import Vein, find_cava
from petproc.segment.classical.inferior_cava import find_inferior_cava
from petproc.segment.classical.ring import ring_scores
from petproc.segment.classical.surface import Surface
from petproc.segment.classical.visible import visible_fraction
from petproc.segment.classical.voxelise import voxels_inside
from petproc.segment.classical.window import Blood
from petproc.segment.parts import aortic_landmark
from petproc.segment.stations import Tube, make_stations
from petproc.segment.torso import Torso, find_torso

NO_CARINA = "the carina was not found, from which it is looked for"
NO_ARCH = "the CT ends too close above the carina, or no ascending aorta was found"
ARCH = "aortic_arch"
NOT_IN_VIEW = "the vessel's course in the CT does not reach it"


def segment(ct: Volume, *, scan: str, threads: int = 1) -> Segmentation:
    """Aorta and venae cavae on the grid of `ct` (HU, any orientation).

    The result is the same for any number of `threads`. Refused as `no-aorta-in-view` where no chain of circles of 60 mm
    or more follows an aorta, as `too-little-in-view` where the CT is shorter than that.
    """
    torso = find_torso(ct, threads=threads)
    airway = find_carina(torso)
    aorta = find_aorta(ct, torso, airway, scan=scan)
    veins = _veins(ct, torso, aorta, airway)
    blood = aorta.descending.blood
    labels = np.zeros(ct.grid.shape, dtype=np.uint8)
    found = {region: vein for region, vein in veins.items() if isinstance(vein, Vein)}
    missing = {region: why for region, why in veins.items() if isinstance(why, str)}
    for region, vein in found.items():
        _paint(labels, ct, vein.surface, [region] * len(vein.ring))
    _paint(labels, ct, aorta.surface, aorta.regions)
    carina = airway.carina if airway else None
    landmark = aortic_landmark(aorta.surface.points_mm, carina=carina)
    stations = make_stations(AORTA, _tube(torso.image, aorta.surface, blood), regions=aorta.regions, landmark=landmark)
    for region, vein in found.items():
        stations += make_stations(region, vein.tube, regions=[region] * len(vein.ring), landmark=None)
    return Segmentation(
        Labels(labels, ct.grid, LABEL_NAMES),
        stations,
        "classical",
        scores=_scores(aorta, found, carina),
        absent=_absent(stations, aorta, airway) | missing,
        landmarks={"carina": carina} if carina else {},
        findings=_findings(landmark is None),
    )


def _veins(ct: Volume, torso: Torso, aorta: Aorta, airway: Airway | None) -> dict[str, Vein | str]:
    """Both venae cavae, or why one was not found."""
    line, blood = aorta.descending.path, aorta.descending.blood
    veins: dict[str, Vein | str] = {IVC: find_inferior_cava(ct, torso, aorta.surface, line, blood=blood)}
    if airway is None or aorta.thoracic is None:
        return veins | {SVC: NO_CARINA if airway is None else NO_ARCH}
    carina_k, ascending = carina_slice(torso, airway.carina), aorta.thoracic.ascending
    return veins | {SVC: find_cava(ct, torso, aorta.surface, ascending, blood=blood, carina_k=carina_k)}


def _paint(labels: NDArray[np.uint8], ct: Volume, surface: Surface, regions: Sequence[str]) -> None:
    voxels, point = voxels_inside(ct.grid, surface)
    values = np.array([REGIONS[region].value for region in regions], dtype=np.uint8)
    labels[tuple(voxels.T)] = values[point]


def _tube(image: Volume, surface: Surface, blood: Blood) -> Tube:
    return Tube(
        surface.points_mm,
        surface.equal_radius_mm,
        ring_scores(image, surface, blood=blood),
        visible_fraction(image, surface, blood=blood),
    )


def _scores(aorta: Aorta, veins: Mapping[str, Vein], carina: Point | None) -> dict[str, dict[str, float]]:
    """Of every region what was taken to surround it, and of the arch how its path was found."""
    around = {region: {"surroundings_hu": aorta.surface.outside_hu} for region in dict.fromkeys(aorta.regions)}
    around |= {region: {"surroundings_hu": vein.surface.outside_hu} for region, vein in veins.items()}
    if carina and aorta.thoracic:
        around.setdefault(ARCH, {}).update(arch_scores(aorta, carina))
    return around


def _absent(stations: Sequence[Station], aorta: Aorta, airway: Airway | None) -> dict[str, str]:
    found = {station.region for station in stations}
    upper = ("ascending_aorta", "aortic_arch")
    absent = {}
    for region in regions_of(AORTA):
        if region in found:
            continue
        if region in upper and airway is None:
            absent[region] = NO_CARINA
        else:
            absent[region] = NO_ARCH if region in upper and aorta.thoracic is None else NOT_IN_VIEW
    return absent


def _findings(no_landmark: bool) -> tuple[Finding, ...]:
    if not no_landmark:
        return ()
    message = "The carina is not in view: the aorta's arc length counts from its upper end and cannot match visits."
    return (Finding("no-landmark", message),)
