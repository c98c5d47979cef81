"""A whole trial on disk: DICOM as a site would deliver it, the points that its reader sets, and beside them the truth
that no stage may see."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from petproc import io
from petproc.core.errors import Refusal
from petproc.core.regions import CAROTIDS, REGIONS
from petproc.core.tables import PointRow
from petproc.dicom.write import Study, write_ct, write_pet, write_scout
from petproc.phantom import reader, truth
from petproc.phantom.person import SESSIONS, draw_person, draw_visit
from petproc.phantom.planting import wall_scale_for
from petproc.phantom.scan import LIVER_COV, Parts, make_parts
from petproc.phantom.space import DEMO, PhantomGrid
from petproc.reference import Measurement, measure

Progress = Callable[[int, int, str], None]
READER_POINTS = "reader/points.tsv"
INDEX_METRIC = "mean_tbr_max"
INDEX_CANDIDATES = ("ascending_aorta", *CAROTIDS)
"""The hottest of these that the images show is the vessel whose change is planted (the territory of IVORY)."""
ACTIVE, CONTROL, PLANTED = "active", "control", "planted"


@dataclass(frozen=True)
class Task:
    """One participant's two scans."""

    out: Path
    seed: int
    number: int
    arm: str
    change: float
    noise: float
    grid: PhantomGrid


@dataclass(frozen=True)
class Answers:
    """The truth about one participant."""

    slices: list[truth.TruthRow]
    vessels: list[truth.VesselRow]
    changes: list[truth.TrueChangeRow]
    points: list[PointRow]
    person: dict[str, Any]


def write_trial(
    out: Path,
    *,
    participants: int,
    effect: float,
    seed: int,
    changes: Sequence[float] | None = None,
    noise: float = LIVER_COV,
    grid: PhantomGrid = DEMO,
    threads: int = 2,
    progress: Progress | None = None,
) -> None:
    """Write `out/dicom` (the delivery), `out/reader/points.tsv` and `out/truth`.

    `effect` is the mean change (-0.08: -8 %) of the index vessel's mean TBRmax in the active arm, to which half of the
    participants belong; it grows with baseline. `changes` names every participant's change instead. `noise` is the
    PET's coefficient of variation in the liver. The same arguments give the same bytes, whatever `threads`.
    """
    if participants < 1 or (changes is not None and len(changes) != participants):
        raise Refusal(
            "phantom-arguments",
            f"{participants} participants and {len(changes or ())} changes do not go together.",
            "Give one change for every participant.",
        )
    _clear(out)
    arms = _arms(participants, effect, seed) if changes is None else [(PLANTED, change) for change in changes]
    tasks = [Task(out, seed, number, *arm, noise, grid) for number, arm in enumerate(arms, start=1)]
    answers: dict[str, Answers] = {}
    for one in _each(tasks, threads):
        answers[one.person["participant"]] = one
        if progress:
            progress(2 * len(answers), 2 * participants, f"{one.person['participant']} written")
    found = [answers[name] for name in sorted(answers)]
    io.write_rows(out / READER_POINTS, [row for one in found for row in one.points], PointRow)
    _write_truth(out / "truth", found, seed=seed, noise=noise)


def _arms(participants: int, effect: float, seed: int) -> list[tuple[str, float]]:
    """Arm and change of everybody: within the active arm the changes average `effect` and grow with baseline."""
    order = np.random.default_rng([seed, 0]).permutation(participants)
    active = set(order[: (participants + 1) // 2].tolist())
    above = [draw_person(seed, number).target_tbr["ascending_aorta"] - 1.0 for number in range(1, participants + 1)]
    mean = float(np.mean([above[n] for n in active]))
    return [(ACTIVE, effect * above[n] / mean) if n in active else (CONTROL, 0.0) for n in range(participants)]


def _each(tasks: Sequence[Task], threads: int) -> Iterator[Answers]:
    if threads == 1 or len(tasks) == 1:
        yield from map(write_participant, tasks)
        return
    with ProcessPoolExecutor(min(threads, len(tasks)), mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(write_participant, task) for task in tasks]):
            yield future.result()


def write_participant(task: Task) -> Answers:
    """Baseline first: the change of its index vessel is then planted into the follow-up."""
    person = draw_person(task.seed, task.number)
    measured: list[Measurement] = []
    slices: list[truth.TruthRow] = []
    vessels: list[truth.VesselRow] = []
    points: list[PointRow] = []
    scans: list[dict[str, Any]] = []
    index_vessel, wall_scale = "", 1.0
    for session in SESSIONS:
        parts = make_parts(person, draw_visit(person, session, task.seed), task.grid, seed=task.seed)
        if measured:
            wanted = measured[0].vessels[index_vessel][INDEX_METRIC] * (1.0 + task.change)
            wall_scale = wall_scale_for(parts, index_vessel, wanted)
        measured.append(measure(parts.pet(wall_scale), parts.geometry, parts.acquisition))
        index_vessel = index_vessel or _index_vessel(measured[0])
        slices += truth.truth_rows(parts, measured[-1], wall_scale)
        vessels += truth.vessel_rows(parts, measured[-1])
        points += reader.points(parts, seed=task.seed)
        scans.append(truth.scan_json(parts, measured[-1], wall_scale))
        _write_scan(task, parts, wall_scale)
    changes = _changes(person.name, task.arm, index_vessel, measured)
    about = truth.person_json(person, task.arm, task.change, index_vessel) | {"scans": scans}
    return Answers(slices, vessels, changes, points, about)


def _index_vessel(baseline: Measurement) -> str:
    candidates = [name for name in INDEX_CANDIDATES if name in baseline.vessels]
    return max(candidates, key=lambda name: baseline.vessels[name][INDEX_METRIC])


def _changes(participant: str, arm: str, index_vessel: str, measured: list[Measurement]) -> list[truth.TrueChangeRow]:
    rows = []
    for region, values in measured[0].vessels.items():
        if region not in measured[1].vessels or not REGIONS[region].target:
            continue
        before, after = values[INDEX_METRIC], measured[1].vessels[region][INDEX_METRIC]
        change = after - before
        rows.append(
            truth.TrueChangeRow(
                participant, arm, region, region == index_vessel, before, after, change, 100.0 * change / before
            )
        )
    return rows


def _write_scan(task: Task, parts: Parts, wall_scale: float) -> None:
    person, session = parts.person, parts.visit.session
    scan = parts.scan(wall_scale, task.noise)
    study = Study(
        key=f"petproc phantom {task.seed} {person.name} {session}",
        dialect=person.dialect,
        patient_id=person.name,
        patient_name=f"PHANTOM^{person.name}",
        birth_date=person.birth_date,
        description="PET/CT vascular FDG",
        acquisition=scan.acquisition,
    )
    folder = task.out / "dicom" / person.name / session
    write_scout(folder / "SCOUT", scan.ct, study)
    write_ct(folder / "CT", scan.ct, study)
    write_pet(folder / "PET", scan.pet, study)
    io.write_labels(task.out / "truth" / "masks" / f"{person.name}_{session}.nii.gz", scan.labels)


def _write_truth(folder: Path, answers: Sequence[Answers], *, seed: int, noise: float) -> None:
    io.write_rows(folder / "truth.tsv", [row for one in answers for row in one.slices], truth.TruthRow)
    io.write_rows(folder / "vessels.tsv", [row for one in answers for row in one.vessels], truth.VesselRow)
    io.write_rows(folder / "change.tsv", [row for one in answers for row in one.changes], truth.TrueChangeRow)
    content = {"seed": seed, "image": truth.image_json(noise), "participants": [one.person for one in answers]}
    io.write_json(folder / "truth.json", content)


def _clear(out: Path) -> None:
    """Remove an earlier trial of ours, and nothing else."""
    mark = out / "truth" / "truth.json"
    found = [folder for folder in (out / name for name in ("dicom", "reader", "truth")) if folder.exists()]
    if found and not mark.exists():
        raise Refusal("folder-not-empty", f"{out} holds something else already.", "Name another folder.")
    for folder in found:
        shutil.rmtree(folder)
    io.write_json(mark, {"status": "being written"})
