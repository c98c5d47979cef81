"""Does this installation find the SUV that it should? The reference objects, written and measured the real way."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Floats
from petproc.core.suv import suv_per_activity
from petproc.core.tables import IndexRow
from petproc.dicom.delivery import read_headers
from petproc.dicom.reference_catalogue import REFERENCE_OBJECTS
from petproc.dicom.reference_objects import EXPECTED_SUV, write_reference_object
from petproc.dicom.rescale import activity
from petproc.ingest.scan import read_pet
from petproc.settings import IngestSettings

THREADS = 2


@dataclass(frozen=True)
class Inside:
    """Smallest, median and largest SUV by body weight in a region, and what was noticed on the way."""

    suv: tuple[float, float, float]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Tested:
    """One reference object; `suv` is None where it was refused, and `refused` says why."""

    name: str
    words: str
    suv: tuple[float, float, float] | None
    tolerance: float
    """half of the SUV that one stored unit is worth"""
    refused: str = ""

    @property
    def ok(self) -> bool:
        return self.suv is not None and all(
            abs(value - expected) <= self.tolerance for value, expected in zip(self.suv, EXPECTED_SUV, strict=True)
        )


def index_rows(delivery: Path) -> list[IndexRow]:
    """The DICOM files under `delivery`, all of one series, as an inventory lists them."""
    return [
        IndexRow(seen.header.text("SOPInstanceUID") or "", seen.place.path, seen.place.member, seen.place.size)
        for seen in read_headers([delivery])
        if seen.header
    ]


def suv_inside(files: Sequence[IndexRow], points_mm: Floats) -> Inside:
    """SUV at the voxels nearest to `points_mm` (n, 3), RAS+ mm, of the PET in `files`; a `Refusal` as in ingest."""
    pet, known = read_pet(files, settings=IngestSettings(), threads=THREADS)
    values = activity(pet, known.value_factor, threads=THREADS).astype(np.float64)
    voxels = np.rint(pet.grid.to_index(points_mm)).astype(int)
    suv = suv_per_activity(known.acquisition) * values[tuple(voxels.T)]
    return Inside((float(suv.min()), float(np.median(suv)), float(suv.max())), known.findings)


def run_selftest() -> list[Tested]:
    """Write every reference object into a folder of its own, measure it, and take the folder away."""
    with tempfile.TemporaryDirectory(prefix="petproc-selftest-") as folder:
        return [_tested(Path(folder) / name, name) for name in REFERENCE_OBJECTS]


def _tested(folder: Path, name: str) -> Tested:
    words = REFERENCE_OBJECTS[name].words
    written = write_reference_object(folder, name)
    try:
        inside = suv_inside(index_rows(folder), written.grid.to_mm(np.argwhere(written.region)))
    except Refusal as refusal:
        return Tested(name, words, None, written.step / 2, refusal.code)
    return Tested(name, words, inside.suv, written.step / 2)


def print_selftest() -> bool:
    """Print what was expected and measured of every reference object; whether all are right."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("", "what it is", box=None)
    for name, expected in zip(("min", "median", "max"), EXPECTED_SUV, strict=True):
        table.add_column(f"{name}\n{expected:.2f}", no_wrap=True, justify="right")
    table.add_column("")
    tested = run_selftest()
    for one in tested:
        numbers = ["-"] * 3 if one.suv is None else [f"{value:.4f}" for value in one.suv]
        words = f"{one.words} [red](refused: {one.refused})[/]" if one.refused else one.words
        table.add_row(one.name, words, *numbers, "[green]ok[/]" if one.ok else "[red]wrong[/]")
    wrong = [one.name for one in tested if not one.ok]
    console.print("SUV by body weight in the reference objects: expected above, measured below")
    console.print(table)
    console.print(f"[red]Wrong: {', '.join(wrong)}.[/]" if wrong else f"All {len(tested)} are right.")
    return not wrong
