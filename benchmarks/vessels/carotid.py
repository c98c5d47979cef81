"""Common carotids of the phantom from two points each, set about 1 mm beside the centreline as a careful reader does.

With a sheath of fat their overlap is judged; without it (lean) the wall cannot be seen, and what fails must go to
review. The CT has voxels of 0.98 x 0.98 x 2 mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median

import numpy as np

from petproc.core.regions import CAROTIDS
from petproc.core.tables import PointRow
from petproc.phantom.person import draw_visit
from petproc.phantom.scan import PhantomCt, make_ct
from petproc.phantom.sizes import person_of_size
from petproc.phantom.space import PhantomGrid
from petproc.segment import seeded
from petproc.settings import SeededSettings
from vessels.judged import GOOD_DICE, Verdict, gate_of, true_mask, verdict
from vessels.part import Options, Part, Table, at_least, at_most, each

NECK = PhantomGrid((512, 512, 100), (0.98, 0.98, 2.0), (8, 8, 8), (4.0, 4.0, 4.0), 170.0)
BUILDS, NOISES_HU = ("fat", "lean"), (10.0, 20.0, 35.0)
JITTER_MM = 0.6
"""Standard deviation of a click along each axis."""
DICE = 0.85


@dataclass(frozen=True)
class Case:
    size: str
    build: str
    noise_hu: float
    seed: int

    def words(self) -> str:
        return f"{self.size} {self.build} {self.noise_hu:g} HU seed {self.seed}"


def run(options: Options) -> Part:
    cases = [Case(*one) for one in product(options.sizes, BUILDS, NOISES_HU, options.seeds[:2])]
    found = each(examined, cases, title="carotid", jobs=options.jobs, words=Case.words)
    pairs = [(case, one) for case, both in zip(cases, found, strict=True) for one in both]
    kinds = list(product(BUILDS, NOISES_HU))
    rows = [_row(kind, [one for case, one in pairs if (case.build, case.noise_hu) == kind]) for kind in kinds]
    fat = [one.whole or 0.0 for case, one in pairs if case.build == "fat"]
    bad = sum(one.accepted and not one.good for _, one in pairs)
    checks = (
        at_least("carotids with a sheath of fat, median Dice", median(fat), DICE),
        at_most(f"carotids with Dice below {GOOD_DICE:g} accepted", bad, 0, form="d"),
    )
    head = ("Carotids", "Dice, whole [min]", "Centreline, mm", "Accepted", "Bad", "Bad accepted")
    why = [
        (case.words(), one.region, f"{one.dice:.3f}", one.reason or "accepted, and bad")
        for case, one in pairs
        if not one.accepted or not one.good
    ]
    tables = (Table(head, tuple(rows)), Table(("Phantom", "Region", "Dice", "Why"), tuple(why)))
    return Part("Carotids from two points", tables, checks)


def examined(case: Case) -> tuple[Verdict, ...]:
    """Both carotids of one phantom."""
    person = person_of_size(case.size, lean=case.build == "lean", seed=case.seed)  # type: ignore[arg-type]
    visit = draw_visit(person, "baseline", case.seed)
    phantom = make_ct(person, visit, NECK, seed=case.seed, ct_noise_hu=case.noise_hu)
    points = _clicks(phantom, np.random.default_rng([case.seed, person.number, round(case.noise_hu)]))
    segmentation = seeded.segment(phantom.ct, points, settings=SeededSettings(), scan="phantom")
    gate = gate_of(segmentation)
    return tuple(
        verdict(
            segmentation,
            side,
            gate=gate,
            truth=true_mask(phantom.labels, side),
            line_mm=phantom.vessels[side].points_mm,
        )
        for side in CAROTIDS
    )


def _clicks(phantom: PhantomCt, rng: np.random.Generator) -> list[PointRow]:
    """Two points of each carotid: where its measured part begins, and its bifurcation."""
    rows = []
    for side in CAROTIDS:
        vessel = phantom.vessels[side]
        named = np.flatnonzero(vessel.region == side)
        ends = vessel.points_mm[named[[0, -1]]] + rng.normal(0.0, JITTER_MM, (2, 3))
        for (x, y, z), place in zip(ends.tolist(), (None, "bifurcation"), strict=True):
            rows.append(PointRow("phantom", "baseline", side, x, y, z, place, "phantom"))
    return rows


def _row(kind: tuple[str, float], ours: Sequence[Verdict]) -> tuple[str, ...]:
    dices = [one.whole or 0.0 for one in ours]
    lines = [one.centreline_mm for one in ours if one.centreline_mm is not None]
    return (
        f"{kind[0]}, {kind[1]:g} HU",
        f"{median(dices):.3f} [{min(dices):.2f}]",
        f"{median(lines):.2f} [{max(lines):.1f}]" if lines else "",
        f"{sum(one.accepted for one in ours)} of {len(ours)}",
        f"{sum(not one.good for one in ours)}",
        f"{sum(one.accepted and not one.good for one in ours)}",
    )
