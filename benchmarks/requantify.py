"""How long a new question to scans that are measured already takes, from the command to `change.tsv`.

    .venv/bin/python benchmarks/requantify.py [--scans 120] [--rounds 3]

A study of N scans (tables of one phantom scan, each with an uptake of its own) that is up to date gets another
analysis; Snakemake is started on two cores, and the time until `change.tsv` is there is taken, with the memory of the
whole process tree (proportional set size), and the time inside our two jobs. Beside it: the same question answered
from images by `petproc.reference`, one scan after another, as a ratio. Then a multiverse of 48 combinations.
The exit status is 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from petproc import layout
from petproc.core.regions import REGIONS
from petproc.core.results import Alignment
from petproc.core.tables import IndexRow, ScanRow
from petproc.io import write_json, write_rows
from petproc.phantom.person import SESSIONS, draw_person, draw_visit
from petproc.phantom.scan import make_parts
from petproc.phantom.space import DEMO
from petproc.reference import measure
from petproc.sample import Sample, sample_scan
from petproc.segment import imported
from petproc.settings import SampleSettings
from petproc.workflow.handover.images import write_overlays, write_sample
from petproc.workflow.study import init_study, workflow_root

BARS = {"wall_s": 5.0, "jobs_s": 1.5, "memory_mb": 450.0, "jobs_mb": 300.0, "sweep_s": 15.0, "sweep_mb": 450.0}
"""Those of time are for 120 scans; `jobs_mb`, of our own processes, is for any number."""
VARY = {
    "quantify.active_tbr": [1.6, 2.0],
    "quantify.background.volume_ml": [1.0, 1.5, 2.0],
    "quantify.coverage": ["p25", "p50"],
    "quantify.slice_area_min": [0.4, 0.5],
    "compare.index_metric": ["mean_tbr_max", "mean_tbr_mean"],
}
"""A multiverse of 48 combinations."""
GRID = replace(DEMO, pet_shape=(256, 256, 200), pet_mm=(2.0, 2.0, 3.0))
"""Planes of 2 mm voxels, so that a scan's table has about 100,000 rows."""
STILL = Alignment((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0, applied=False)
RECORD = {"status": "ok", "refusal": None, "findings": []}
QUESTION = {"extends": "primary", "quantify": {"active_tbr": 1.6, "background": {"volume_ml": 2.0}}}
NAME = "asked"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scans", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        rows, seconds_from_images = _make(study, chosen.scans)
        print(f"{chosen.scans} scans, {rows:,} rows each", flush=True)
        measured = [_ask(study, round_) for round_ in range(chosen.rounds)]
        measured = [one | _sweep(study, round_) for round_, one in enumerate(measured)]
    found = {name: median(one[name] for one in measured) for name in BARS}
    from_images = seconds_from_images * chosen.scans
    print(f"from images by reference: {from_images:.0f} s, {from_images / found['wall_s']:.0f} x as long")
    missed = False
    for name, bar in BARS.items():
        over = found[name] > bar
        missed |= over
        print(f"{'MISSED ' if over else 'reached'}  {name} {found[name]:.2f} (bar {bar:g})")
    return int(missed)


def _make(study: Path, scans: int) -> tuple[int, float]:
    """The study, up to date with its primary analysis; rows of a table, and the seconds that `reference` takes."""
    person = draw_person(1, 1)
    parts = make_parts(person, draw_visit(person, "baseline", 1), GRID, seed=1)
    scan = parts.scan(1.0, 0.05)
    names = {name: region.value for name, region in REGIONS.items()}
    segmentation = imported.segment(scan.ct, scan.labels, names=names, scan="phantom")
    sample = sample_scan(
        scan.pet, scan.ct, scan.acquisition, segmentation, STILL, settings=SampleSettings(), threads=2, scan="phantom"
    )
    start = time.perf_counter()
    measure(scan.pet, parts.geometry, scan.acquisition)
    seconds = time.perf_counter() - start
    init_study(study)
    _configure(study, {})
    rows = [
        ScanRow(f"P{n // 2:04d}", SESSIONS[n % 2], "FDG", f"1.{n}", f"2.{n}", "yes", "benchmark") for n in range(scans)
    ]
    write_rows(study / layout.SCANS, rows, ScanRow)
    sidecar = {"petproc": {**RECORD, "acquisition": scan.acquisition.to_json(), "slices": []}}
    for n, row in enumerate(rows):
        _write(study, row, _scaled(sample, n), sidecar)
    status, *_ = _snakemake(study, layout.COMPLETE)
    assert status == 0
    return sample.voxels.num_rows, seconds


def _configure(study: Path, analyses: dict[str, Any], multiverse: dict[str, Any] | None = None) -> None:
    config = yaml.safe_load((workflow_root() / layout.CONFIG).read_text())
    config["segment"]["backends"] = ["imported"]
    config["analyses"]["primary"]["backend"] = "imported"
    config["analyses"] |= analyses
    config["multiverse"] = multiverse or {}
    (study / layout.CONFIG).write_text(yaml.safe_dump(config))


def _scaled(sample: Sample, number: int) -> Sample:
    """Uptake of its own, voxel by voxel: tables that differ, as those of different scans."""
    activity = sample.voxels["activity"].to_numpy()
    noise = np.random.default_rng(number).normal(1.0, 0.05, len(activity)).astype(np.float32)
    at = sample.voxels.column_names.index("activity")
    return replace(sample, voxels=sample.voxels.set_column(at, "activity", pa.array(activity * noise)))


def _write(study: Path, row: ScanRow, sample: Sample, sidecar: dict[str, Any]) -> None:
    """All files of a scan in the order in which they are made; images are empty, for nobody opens them."""

    def path(template: str) -> Path:
        return layout.path(template, study, participant=row.participant, session=row.session, backend="imported")

    for series in (row.pet, row.ct):
        write_rows(study / layout.INDEX.format(series=series), [], IndexRow)

    def empty(*templates: str) -> None:
        for template in templates:
            path(template).parent.mkdir(parents=True, exist_ok=True)
            path(template).write_bytes(b"")

    empty(layout.PET, layout.CT)
    write_json(path(layout.PET_SIDECAR), sidecar)
    write_json(path(layout.CT_SIDECAR), {"petproc": {**RECORD, "slices": []}})
    empty(layout.LABELS, layout.LABEL_NAMES, layout.CENTRELINES)
    write_json(path(layout.SEGMENTATION), {**RECORD, "backend": "imported"})
    write_json(path(layout.ALIGNMENT), RECORD)
    files = ("voxels", "stations", "sample", "overlays")
    made = SimpleNamespace(**{name: path(getattr(layout, name.upper())) for name in files})
    write_sample(made, sample, RECORD)
    write_overlays(made, {}, RECORD)


def _ask(study: Path, round_: int) -> dict[str, float]:
    _configure(study, {f"{NAME}{n}": QUESTION for n in range(round_ + 1)})
    target = layout.path(layout.CHANGE, analysis=f"{NAME}{round_}")
    status, seconds, memory, ours = _snakemake(study, str(target))
    assert status == 0
    assert (study / target).is_file()
    return {"wall_s": seconds, "memory_mb": memory, "jobs_mb": ours, "jobs_s": _in_jobs(study, f"{NAME}{round_}")}


def _sweep(study: Path, round_: int) -> dict[str, float]:
    name = f"{NAME}{round_}"
    _configure(study, {}, {name: {"vary": VARY}})
    target = layout.path(layout.SPECIFICATIONS, multiverse=name)
    status, seconds, memory, _ = _snakemake(study, str(target))
    assert status == 0
    assert len((study / target).read_text().splitlines()) == 49
    return {"sweep_s": seconds, "sweep_mb": memory}


def _in_jobs(study: Path, analysis: str) -> float:
    """Seconds that quantify and compare say that they took."""
    found = 0.0
    for stage in ("quantify", "compare"):
        text = (study / layout.LOG.format(stage=stage, name=analysis)).read_text()
        found += sum(float(seconds) for seconds in re.findall(r"took ([\d.]+) s", text))
    return found


def _snakemake(study: Path, target: str) -> tuple[int, float, float, float]:
    """Exit status, seconds, and the most memory in MB that the process and all its children had at once, and that the
    children alone had: Snakemake itself keeps every file of its plan in memory."""
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(workflow_root() / "Snakefile")),
        *("--directory", str(study), "--cores", "2", "--quiet", "all", "--", target),
    ]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    most = [0.0, 0.0]
    watch = threading.Thread(target=_watch, args=(process, most))
    watch.start()
    _, said = process.communicate()
    seconds = time.perf_counter() - start
    watch.join()
    status = process.returncode
    if status:
        print(said, file=sys.stderr)
    return status, seconds, most[0], most[1]


def _watch(process: subprocess.Popen[str], most: list[float]) -> None:
    while process.poll() is None:
        snakemake, *jobs = (_pss_mb(pid) for pid in _tree(process.pid))
        most[:] = max(most[0], snakemake + sum(jobs)), max(most[1], sum(jobs))
        time.sleep(0.1)


def _tree(pid: int) -> Sequence[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [one for child in task.read_text().split() for one in _tree(int(child))]
        except OSError:
            continue
    return found


def _pss_mb(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", text, flags=re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.exit(main())
