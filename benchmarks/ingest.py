"""How fast and how lean `ingest` is, against dcm2niix and dicom2nifti on the same files, in turn.

    .venv/bin/python benchmarks/ingest.py [--rounds 5] [--threads 2] [--phantom FOLDER] [--petct ZIP]
    .venv/bin/python benchmarks/ingest.py --inventory [--files 20000] [--rounds 3]

Needs the extra `bench` (`.venv/bin/pip install dcm2niix dicom2nifti`); a program that is absent is left out and named.

Two scans: the PET/CT of `../shared/data/petct_real.zip` (234 + 296 files) and the first scan of a digital trial, made
anew (20 s) unless `--phantom` names a delivery of one. Nothing but the files of the PET and the CT is given to anybody.
Every round runs each program once, after one round that is not counted; the table holds medians, on the first
`--threads` cores of this machine, with the files in the page cache.

* `petproc, warm`: the call in a process that has ingested this scan before: index rows -> `ingest_scan` ->
  `write_ingested`, with NIfTI, sidecars and the SHA-256 of every file.
* `petproc`: the same as a process of its own, from the start of Python.
* `MB of memory`: highest resident set of the process, and of its children where it has any.
* `floor`: the bytes of the same files read, hashed and, as images, packed, by nothing but `read`, `hashlib` and
  `write_volume`, on as many threads; and the start of Python with numpy.

The bars are ratios to `dcm2niix -1 -z y`: 0.7 warm, 1.0 as a process, 1.0 memory, 1.0 bytes written. `--inventory`
times `take_inventory` on small files against `dcmread(stop_before_pixels=True)` of the same on one core; the bar is 2.
The exit status is 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import many_files

ROOT = Path(__file__).parents[1]
PETCT = ROOT / "../shared/data/petct_real.zip"
YARDSTICK = "dcm2niix -1 -z y"
BARS = {"petproc, warm": ("seconds", 0.7), "petproc": ("seconds", 1.0)}
Measured = dict[str, float]
Program = Callable[[Path], Measured]


def run(command: list[str]) -> Measured:
    """Wall time in s and highest resident set in MB of a command and its children."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.stderr
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode:
        sys.exit(f"{Path(command[0]).name} ended with {child.returncode}:\n{said.decode()[-2000:]}")
    return {"seconds": seconds, "memory": usage.ru_maxrss / 1024}


@contextmanager
def warm(scan: Path) -> Iterator[Callable[[str, Path], Measured]]:
    """A process that stays: `ask("ingest" or "floor", folder)` gives its times."""
    command = [sys.executable, __file__, "--serve", str(scan)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout

        def ask(what: str, out: Path) -> Measured:
            print(what, out, sep="\t", file=child.stdin, flush=True)
            answer: Measured = json.loads(child.stdout.readline())
            return answer

        yield ask
        child.stdin.close()


def programs(scan: Path, ask: Callable[[str, Path], Measured]) -> dict[str, Program]:
    """What is compared, each a function of the folder to write to."""
    told = json.loads((scan / "scan.json").read_text())
    found: dict[str, Program] = {
        "petproc, warm": lambda out: ask("ingest", out),
        "petproc": lambda out: run([sys.executable, __file__, "--ingest", str(scan), str(out)]),
        "floor": lambda out: ask("floor", out),
    }
    try:
        from dcm2niix import bin as dcm2niix

        common = ["-w", "1", "-o"]
        found[YARDSTICK] = lambda out: run([dcm2niix, "-1", "-z", "y", *common, str(out), told["files"]])
        found["dcm2niix -z y"] = lambda out: run([dcm2niix, "-z", "y", *common, str(out), told["files"]])
    except ImportError:
        print("dcm2niix is not installed: .venv/bin/pip install dcm2niix")
    convert = "import sys, dicom2nifti; dicom2nifti.convert_directory(sys.argv[1], sys.argv[2], reorient=False)"
    if subprocess.run([sys.executable, "-c", "import dicom2nifti"], capture_output=True, check=False).returncode == 0:
        found["dicom2nifti"] = lambda out: run([sys.executable, "-c", convert, told["files"], str(out)])
    else:
        print("dicom2nifti is not installed: .venv/bin/pip install dicom2nifti")
    return found


def compare(scan: Path, rounds: int, work: Path) -> dict[str, Measured]:
    """Medians by program over `rounds` rounds, each of which runs every program once."""
    seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with warm(scan) as ask:
        for number in range(rounds + 1):
            for name, program in programs(scan, ask).items():
                out = Path(tempfile.mkdtemp(dir=work))
                figures = program(out)
                images = [path.stat().st_size for path in out.rglob("*.nii.gz")]
                figures |= {"bytes": sum(images) / 1e6, "images": len(images)}
                shutil.rmtree(out)
                for key, value in figures.items() if number else ():
                    seen[name][key].append(value)
    return {name: {key: median(values) for key, values in figures.items()} for name, figures in seen.items()}


def show(title: str, found: dict[str, Measured]) -> bool:
    """Print the table of a scan; whether every bar is reached."""
    floor = found.pop("floor")
    print(f"\n{title}\n{'':18}  seconds  ratio   MB of memory  ratio   MB written  ratio   images")
    base = found.get(YARDSTICK)
    for name, one in sorted(found.items(), key=lambda entry: entry[1]["seconds"]):
        cells = [f"{one['seconds']:8.2f}", f"{one.get('memory', float('nan')):13.0f}", f"{one['bytes']:11.1f}"]
        ratios = [f"{one[key] / base[key]:5.2f}" if base and key in one else "    -" for key in KEYS]
        print(f"{name:18}", *(f"{cell}  {ratio}" for cell, ratio in zip(cells, ratios, strict=True)), end="")
        print(f"{one['images']:9.0f}")
    ours = found["petproc, warm"]
    parts = ", ".join(f"{name} {floor[name]:.2f} s" for name in ("read", "hash", "pack", "start"))
    least = floor["read"] + floor["hash"] + floor["pack"]
    print(f"floor: {parts}; warm is {ours['seconds'] / least:.1f} x read + hash + pack ({least:.2f} s): ", end="")
    print(f"ingest_scan {ours['scan']:.2f} s, writing {ours['write']:.2f} s")
    return base is not None and False not in [_bar(name, found[name], base) for name in BARS]


KEYS = ("seconds", "memory", "bytes")


def _bar(name: str, one: Measured, base: Measured) -> bool:
    reached = True
    for key, bar in (BARS[name], ("memory", 1.0), ("bytes", 1.0)):
        if key in one:
            ratio = one[key] / base[key]
            reached &= ratio <= bar
            print(f"{'reached' if ratio <= bar else 'MISSED '}  {name}: {key} {ratio:.2f} x {YARDSTICK}, bar {bar}")
    return reached


def prepare(delivery: Path, work: Path, threads: int) -> Path:
    """A folder with the files of the delivery's first scan and what `ingest` needs to know of them."""
    command = [sys.executable, __file__, "--prepare", str(delivery), str(work), "--threads", str(threads)]
    subprocess.run(command, check=True)
    return work


def _prepare(delivery: Path, work: Path, threads: int) -> None:
    from dataclasses import asdict, replace

    from petproc import layout
    from petproc.core.tables import IndexRow, ScanRow
    from petproc.dicom.files import Files
    from petproc.ingest.inventory import take_inventory
    from petproc.io import read_rows, write_json

    take_inventory(work / "study", [delivery])
    row = read_rows(layout.path(layout.SCANS, work / "study"), ScanRow)[0]
    told: dict[str, Any] = {"files": str(work / "files"), "threads": threads}
    with Files() as files:
        for kind, series in (("pet", row.pet), ("ct", row.ct)):
            folder = work / "files" / kind
            folder.mkdir(parents=True)
            rows = read_rows(layout.path(layout.INDEX, work / "study", series=series), IndexRow)
            paths = [folder / f"{number:04d}.dcm" for number in range(len(rows))]
            for one, path in zip(rows, paths, strict=True):
                path.write_bytes(files.read(one.path, one.member))
            told[kind] = [
                asdict(replace(one, path=str(path), member=None)) for one, path in zip(rows, paths, strict=True)
            ]
    write_json(work / "scan.json", told)


def _ingest(scan: Path, out: Path) -> Measured:
    """What the script of the rule does, without Snakemake around it."""
    start = time.perf_counter()
    from types import SimpleNamespace

    from petproc.core.tables import IndexRow
    from petproc.ingest import ingest_scan
    from petproc.settings import IngestSettings
    from petproc.workflow.handover.images import write_ingested

    told = json.loads((scan / "scan.json").read_text())
    pet, ct = ([IndexRow(**row) for row in told[kind]] for kind in ("pet", "ct"))
    threads = told["threads"]
    done = ingest_scan(pet, ct, settings=IngestSettings(), threads=threads, scan="sub-1_ses-baseline")
    middle = time.perf_counter()
    names = {"pet": "pet.nii.gz", "pet_sidecar": "pet.json", "ct": "ct.nii.gz", "ct_sidecar": "ct.json"}
    files = SimpleNamespace(**{name: out / file for name, file in names.items()})
    record = {"stage": "ingest", "status": "ok", "findings": [one.to_json() for one in done.findings]}
    write_ingested(files, done, record, threads=threads)
    end = time.perf_counter()
    return {"seconds": end - start, "scan": middle - start, "write": end - middle}


def _floor(scan: Path, out: Path) -> Measured:
    """Seconds to read, hash and pack what ingest reads, hashes and packs, and to start Python with numpy."""
    import hashlib
    from concurrent.futures import ThreadPoolExecutor

    from petproc.io import read_volume, write_volume

    told = json.loads((scan / "scan.json").read_text())
    paths = [Path(row["path"]) for kind in ("pet", "ct") for row in told[kind]]
    _ingest(scan, out)
    volumes = [read_volume(out / "pet.nii.gz", "Bq/mL"), read_volume(out / "ct.nii.gz", "HU")]
    times = [time.perf_counter()]
    with ThreadPoolExecutor(told["threads"]) as pool:
        contents = list(pool.map(Path.read_bytes, paths))
        times.append(time.perf_counter())
        list(pool.map(lambda content: hashlib.sha256(content).hexdigest(), contents))
        times.append(time.perf_counter())
    for number, volume in enumerate(volumes):
        write_volume(out / f"{number}.nii.gz", volume, threads=told["threads"])
    times.append(time.perf_counter())
    subprocess.run([sys.executable, "-c", "import numpy"], check=True)
    times.append(time.perf_counter())
    parts = [after - before for before, after in pairwise(times)]
    return {**dict(zip(("read", "hash", "pack", "start"), parts, strict=True)), "seconds": sum(parts)}


def _serve(scan: Path) -> None:
    _ingest(scan, Path(tempfile.mkdtemp(dir=scan)))
    for line in sys.stdin:
        what, out = line.rstrip("\n").split("\t")
        print(json.dumps({"ingest": _ingest, "floor": _floor}[what](scan, Path(out))), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--phantom", type=Path, help="a delivery made by petproc phantom; without it one is made")
    parser.add_argument("--petct", type=Path, default=PETCT)
    parser.add_argument("--inventory", action="store_true")
    parser.add_argument("--files", type=int, default=20_000)
    for inner in ("--prepare", "--ingest"):
        parser.add_argument(inner, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.prepare:
        _prepare(Path(told.prepare[0]), Path(told.prepare[1]), told.threads)
    elif told.ingest:
        _ingest(Path(told.ingest[0]), Path(told.ingest[1]))
    elif told.serve:
        _serve(told.serve)
    else:
        _measure(told)


def _measure(told: argparse.Namespace) -> None:
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: told.threads]))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if told.inventory:
            sys.exit(0 if many_files.compare(told.files, told.rounds, work) else 1)
        scans = {}
        if told.petct.exists():
            scans["petct_real"] = prepare(told.petct, work / "real", told.threads)
        else:
            print(f"{told.petct.name} is not here; it is left out.")
        if not told.phantom:
            made = [sys.executable, "-m", "petproc.cli", "phantom", str(work / "trial"), "--participants", "1"]
            subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        scans["phantom"] = prepare(told.phantom or work / "trial/dicom", work / "phantom", told.threads)
        reached = [show(name, compare(scan, told.rounds, work)) for name, scan in scans.items()]
    sys.exit(0 if all(reached) else 1)


if __name__ == "__main__":
    main()
