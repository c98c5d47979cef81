"""Phantoms that no tuning has seen: sizes, builds, noises and seeds, each region against its exact mask.

The phantom has clean edges and simple organs: what is reached here is a check of the code and of the gate, and no
clinical accuracy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median

from petproc.core.errors import Refusal
from petproc.core.regions import AORTA, REGIONS, SVC, regions_of
from petproc.phantom.person import draw_visit
from petproc.phantom.scan import make_ct
from petproc.phantom.sizes import person_of_size
from petproc.phantom.space import DEMO
from petproc.segment import classical
from vessels.judged import GOOD_DICE, Verdict, gate_of, true_mask, verdict
from vessels.part import Check, Options, Part, Table, at_least, at_most, each

NOISES_HU = (20.0, 35.0)
BUILDS = ("fat", "lean")
BARS = {
    "ascending_aorta": 0.92,
    "aortic_arch": 0.95,
    "descending_aorta": 0.94,
    "abdominal_aorta": 0.91,
    SVC: 0.88,
}
CENTRELINE_MM = 1.0
REVIEWED_GOOD = 0.15
MEASURED = (*regions_of(AORTA), SVC)


@dataclass(frozen=True)
class Case:
    size: str
    build: str
    noise_hu: float
    seed: int

    def words(self) -> str:
        return f"{self.size} {self.build} {self.noise_hu:g} HU seed {self.seed}"


@dataclass(frozen=True)
class Found:
    case: Case
    verdicts: tuple[Verdict, ...]


def run(options: Options) -> Part:
    cases = [Case(*one) for one in product(options.sizes, BUILDS, NOISES_HU, options.seeds)]
    found = each(examined, cases, title="phantom", jobs=options.jobs, words=Case.words)
    tables = (_by_region(found), _by_kind(found), _exceptions(found))
    notes = (
        f"{len(cases)} phantoms, seeds {', '.join(map(str, options.seeds))}; good: Dice of {GOOD_DICE:g} or more.",
    )
    return Part("Phantoms", tables, _checks(found), notes)


def examined(case: Case) -> Found:
    """One phantom's CT, segmented and judged against its exact vessels."""
    person = person_of_size(case.size, lean=case.build == "lean", seed=case.seed)  # type: ignore[arg-type]
    visit = draw_visit(person, "baseline", case.seed)
    phantom = make_ct(person, visit, DEMO, seed=case.seed, ct_noise_hu=case.noise_hu)
    try:
        segmentation = classical.segment(phantom.ct, scan="phantom")
    except Refusal as refusal:
        lost = (
            Verdict(region, f"{refusal.code}: {refusal.reason}", True, 0, 0, None, None, None) for region in MEASURED
        )
        return Found(case, tuple(lost))
    gate = gate_of(segmentation)
    return Found(
        case,
        tuple(
            verdict(
                segmentation,
                region,
                gate=gate,
                truth=true_mask(phantom.labels, region),
                line_mm=phantom.vessels[REGIONS[region].vessel].points_mm,
            )
            for region in MEASURED
        ),
    )


def _of(found: Sequence[Found], region: str) -> list[Verdict]:
    return [one for entry in found for one in entry.verdicts if one.region == region]


def _by_region(found: Sequence[Found]) -> Table:
    rows = []
    for region in MEASURED:
        ours = _of(found, region)
        lines = [one.centreline_mm for one in ours if one.centreline_mm is not None]
        kept = sum(one.accepted_mm for one in ours) / max(1.0, sum(one.length_mm for one in ours))
        rows.append(
            (
                region,
                _spread([one.whole or 0.0 for one in ours]),
                _spread([one.measured for one in ours if one.measured is not None]),
                f"{median(lines):.2f} [{max(lines):.1f}]" if lines else "",
                f"{sum(one.accepted for one in ours)} of {len(ours)}",
                f"{sum(one.absent for one in ours)}",
                f"{sum(one.accepted and not one.good for one in ours)}",
                f"{sum(one.good and not one.accepted for one in ours)} of {sum(one.good for one in ours)}",
                f"{kept:.0%}",
            )
        )
    head = (
        "Region",
        "Dice, whole [min]",
        "Dice, measured part [min]",
        "Centreline, mm [max]",
        "Accepted",
        "Not found",
        "Bad accepted",
        "Good sent to review",
        "Length accepted",
    )
    return Table(head, tuple(rows))


def _by_kind(found: Sequence[Found]) -> Table:
    """Median Dice of whole regions and how many were accepted, by size, build and noise."""
    kinds = dict.fromkeys((entry.case.size, entry.case.build, entry.case.noise_hu) for entry in found)
    rows = []
    for kind in kinds:
        here = [one for one in found if (one.case.size, one.case.build, one.case.noise_hu) == kind]
        cells = []
        for region in MEASURED:
            ours = _of(here, region)
            cells.append(f"{median(one.whole or 0.0 for one in ours):.3f} ({sum(one.accepted for one in ours)})")
        rows.append((f"{kind[0]} {kind[1]} {kind[2]:g} HU", *cells))
    return Table(("Phantoms: median Dice (accepted)", *MEASURED), tuple(rows))


def _exceptions(found: Sequence[Found]) -> Table:
    """Every region that was not accepted, or accepted and bad."""
    rows = tuple(
        (entry.case.words(), one.region, f"{one.dice:.3f}", one.reason or "accepted, and bad")
        for entry in found
        for one in entry.verdicts
        if not one.accepted or not one.good
    )
    return Table(("Phantom", "Region", "Dice", "Why"), rows)


def _checks(found: Sequence[Found]) -> tuple[Check, ...]:
    everything = [one for entry in found for one in entry.verdicts]
    good = [one for one in everything if one.good]
    share = sum(not one.accepted for one in good) / len(good) if good else None
    return (
        *(
            at_least(f"median Dice, {region}", _middle(_of(found, region), lambda one: one.whole or 0.0), limit)
            for region, limit in BARS.items()
        ),
        *(
            at_most(
                f"median centreline error in mm, {region}",
                _middle(_of(found, region), lambda one: one.centreline_mm),
                CENTRELINE_MM,
            )
            for region in MEASURED
        ),
        at_most("bad segments accepted", sum(one.accepted and not one.good for one in everything), 0, form="d"),
        at_most("share of good segments sent to review", share, REVIEWED_GOOD),
    )


def _middle(ours: Sequence[Verdict], value: Callable[[Verdict], float | None]) -> float | None:
    known = [found for one in ours if (found := value(one)) is not None]
    return median(known) if known else None


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.3f} [{min(values):.2f}]" if values else ""
