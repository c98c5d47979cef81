"""Time and memory of the classical segmentation on a CT of 512 x 512, in a process of its own on two threads.

    cd benchmarks && ../.venv/bin/python -m vessels.speed CT.nii.gz [THREADS]     one CT, as JSON

The process reads the NIfTI and segments; memory is its highest resident set. Steps are the calls of the backend, timed
where they are called; what is left is `other`. The bars are on the wall clock: they want a machine that does nothing
else. CPU seconds tell more on a busy one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from petproc.core.volume import Volume
from petproc.io import read_volume, write_volume
from petproc.phantom.person import draw_visit
from petproc.phantom.scan import make_ct
from petproc.phantom.sizes import person_of_size
from petproc.phantom.space import PhantomGrid
from vessels.others import PETCT, dicom_ct
from vessels.part import Check, Options, Part, Table, at_most

THREADS = 2
SEED, NOISE_HU = 101, 20.0
GB = 1024.0**2
"""kB, in which Linux counts resident memory"""
STEPS = {
    "body, lungs": ("backend.find_torso",),
    "carina": ("backend.find_carina",),
    "spine": ("aorta.find_spine",),
    "descending": ("aorta.find_descending",),
    "ascending, arch": ("aorta.find_thoracic",),
    "aorta's surface": ("aorta.fit_surface",),
    "superior vena cava": ("backend.find_cava",),
    "inferior vena cava": ("backend.find_inferior_cava",),
    "aorta's scores": ("backend.ring_scores", "backend.visible_fraction"),
    "voxels": ("backend.voxels_inside",),
}
"""Functions of the backend's modules, by the name under which they are called."""


@dataclass(frozen=True)
class Size:
    """A CT, and the limits for it: s, GB; None: no limit."""

    name: str
    grid: PhantomGrid
    seconds: float | None
    memory_gb: float


def _grid(slices: int, mm: float, top_mm: float) -> PhantomGrid:
    return PhantomGrid((512, 512, slices), (0.98, 0.98, mm), (8, 8, 8), (4.0, 4.0, 4.0), top_mm)


SIZES = (
    Size("512 x 512 x 300, phantom", _grid(300, 2.3, 150.0), 12.0, 1.5),
    Size("512 x 512 x 1200, phantom", _grid(1200, 1.5, 450.0), None, 3.0),
)
REAL = Size("512 x 512 x 296, real PET/CT", _grid(296, 2.5, 0.0), 12.0, 1.5)


def run(options: Options) -> Part:
    rows, checks, notes = [], [], [f"Load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."]
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in (*SIZES, REAL):
            ct = _made(size, options)
            if ct is None:
                notes.append(f"Left out: {PETCT} is not here.")
                continue
            path = Path(folder) / "ct.nii.gz"
            write_volume(path, ct, threads=THREADS)
            del ct
            found[size.name] = one = measured(path)
            checks += _checks(size, one)
            rows.append(
                (size.name, *(f"{one[name]:.1f}" for name in ("read_s", "seconds", "cpu_s")), f"{one['gb']:.2f}")
            )
    head = ("CT", "Read, s", "Segment, s", "Segment, CPU s", "Memory, GB")
    return Part("Speed and memory", (Table(head, tuple(rows)), _shares(found)), tuple(checks), tuple(notes))


def measured(ct: Path) -> dict[str, Any]:
    """What a fresh process says of one CT."""
    command = [sys.executable, "-m", "vessels.speed", str(ct), str(THREADS)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    told: dict[str, Any] = json.loads(said.stdout)
    return told


def _made(size: Size, options: Options) -> Volume | None:
    if size is REAL:
        return dicom_ct(options.data / PETCT) if (options.data / PETCT).is_file() else None
    person = person_of_size("L", lean=False, seed=SEED)
    return make_ct(person, draw_visit(person, "baseline", SEED), size.grid, seed=SEED, ct_noise_hu=NOISE_HU).ct


def _checks(size: Size, one: dict[str, Any]) -> list[Check]:
    checks = [at_most(f"{size.name}: memory in GB", one["gb"], size.memory_gb)]
    if size.seconds is not None:
        checks.append(at_most(f"{size.name}: seconds", one["seconds"], size.seconds, form=".1f"))
    return checks


def _shares(found: dict[str, dict[str, Any]]) -> Table:
    """CPU seconds of each step and its share."""
    rows = [
        (step, *(f"{one['steps'][step]:.2f} ({one['steps'][step] / one['cpu_s']:.0%})" for one in found.values()))
        for step in (*STEPS, "other")
    ]
    return Table(("Step: CPU s (share)", *found), tuple(rows))


def _timed_steps() -> dict[str, float]:
    """CPU seconds by step, filled while the backend runs: its functions are wrapped where they are called."""
    from petproc.segment.classical import aorta, backend

    modules = {"aorta": aorta, "backend": backend}
    spent: dict[str, float] = defaultdict(float)
    for step, names in STEPS.items():
        for name in names:
            module, function = name.split(".")
            setattr(modules[module], function, _timed(getattr(modules[module], function), step, spent))
    return spent


def _timed(function: Callable[..., Any], step: str, spent: dict[str, float]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent[step] += time.process_time() - start

    return call


def _serve(path: Path, threads: int) -> None:
    from threadpoolctl import threadpool_limits

    from petproc.segment import classical

    spent = _timed_steps()
    with threadpool_limits(1):
        begun = time.perf_counter()
        ct = read_volume(path, "HU")
        start, cpu = time.perf_counter(), time.process_time()
        classical.segment(ct, scan="speed", threads=threads)
        seconds, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    steps = {step: spent[step] for step in STEPS}
    steps["other"] = cpu_s - sum(steps.values())
    told = {"read_s": start - begun, "seconds": seconds, "cpu_s": cpu_s, "gb": _highest_kb() / GB, "steps": steps}
    print(json.dumps(told))


def _highest_kb() -> float:
    """Highest resident set of this program; that of getrusage is inherited from whoever started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else THREADS)
