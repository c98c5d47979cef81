"""Damaged deliveries through inventory and ingest, each by its number, in processes with a limit of time and memory.

    .venv/bin/python fuzz/seeded.py [--count 10000] [--seed 1] [--case N] [--first 0] [--workers 2]

A failure is anything but a finding or a refusal: an exception, a crash, more than 10 s of the processor, more than
2 GiB on top of what Python and its libraries take, another outcome when the same input is read again, or harm to a
sound scan that lies beside a damaged file. It is printed with its number; `--case N` runs that one in this process,
with its traceback, and `--keep FOLDER` writes its files there. The exit status is 1 where anything failed.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import os
import select
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

SECONDS = 10.0
"""Of the processor, so that a busy machine makes no failure."""
IDLE = 6
"""So many times as long may pass on the clock."""
MEMORY_BYTES = 2 << 30
START_SECONDS = 120.0


@dataclass(frozen=True)
class Failure:
    """What case `number` did that it must not."""

    number: int
    kind: str
    words: str


@dataclass(frozen=True)
class Result:
    cases: int
    failures: tuple[Failure, ...]
    words: Counter[str]
    """how many cases had each code among their findings and refusals; `ingested` for a PET/CT that was read"""


class Worker:
    """A process that runs one case after another, started anew after each that it did not survive."""

    def __init__(self, command: Sequence[str], folder: Path, seconds: float = SECONDS) -> None:
        self._command, self._seconds = [*command, "--work", str(folder)], seconds
        self._child: subprocess.Popen[bytes] | None = None

    def run(self, number: int) -> dict[str, object]:
        """The worker's answer, or `{"failure": kind, "words": ...}`."""
        if self._child is None:
            self._child = self._started()
        assert self._child.stdin and self._child.stdout
        self._child.stdin.write(b"%d\n" % number)
        self._child.stdin.flush()
        ready = self._answers(self._child)
        answer = self._child.stdout.readline() if ready else b""
        if answer:
            return dict(json.loads(answer))
        if not ready:
            self._child.kill()
        status = self.close()
        if not ready:
            return {"failure": "hang", "words": f"no answer within {self._seconds:g} s of the processor"}
        return {"failure": "crash", "words": f"the process ended with {status}"}

    def _answers(self, child: subprocess.Popen[bytes]) -> bool:
        """Whether an answer, or its end, comes before the process has used up its time."""
        before, waited = _processor_seconds(child.pid), 0.0
        while not select.select([child.stdout], [], [], self._seconds)[0]:
            waited += self._seconds
            if waited >= IDLE * self._seconds or _processor_seconds(child.pid) - before >= self._seconds:
                return False
        return True

    def close(self) -> int:
        """How the process ended; 0 where there is none."""
        child, self._child = self._child, None
        if child is None:
            return 0
        with contextlib.suppress(BrokenPipeError):
            child.communicate()
        return child.returncode

    def _started(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        assert child.stdout
        if not select.select([child.stdout], [], [], START_SECONDS)[0] or child.stdout.readline() != b"ready\n":
            child.kill()
            raise SystemExit(f"The process for the cases does not start: {' '.join(self._command)}")
        return child


def _processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_cases(seed: int, numbers: range, *, workers: int, again: int = 1, progress: bool = False) -> Result:
    """Every case of `numbers`; each `again`-th is read a second time."""
    command = (sys.executable, __file__, "--seed", str(seed), "--again", str(again))
    words: Counter[str] = Counter()
    failures: list[Failure] = []
    start = time.monotonic()
    done = 0

    def share(which: int) -> None:
        nonlocal done
        worker = Worker(command, Path(folder) / str(which))
        for number in islice(numbers, which, None, workers):
            answer = worker.run(number)
            if "failure" in answer:
                failures.append(Failure(number, str(answer["failure"]), str(answer["words"])))
                print(f"seed {seed} case {number}: {answer['failure']}: {answer['words']}", flush=True)
            else:
                words.update(list(answer["words"]))  # type: ignore[call-overload]
            done += 1
            if progress and done % 1000 == 0:
                print(f"{done} of {len(numbers)} cases, {time.monotonic() - start:.0f} s", flush=True)
        worker.close()

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        list(pool.map(share, range(workers)))
    return Result(len(numbers), tuple(sorted(failures, key=lambda one: one.number)), words)


def check(seed: int, number: int, folder: Path, *, again: int = 1) -> list[str]:
    """Codes that case `number` brought up. Raises whatever must not be raised."""
    from cases import case
    from targets import Differs, outcome

    one = case(seed, number)
    found = outcome(one.files, folder / "case", again=number % again == 0)
    if one.sound and found.scan != _undamaged(folder / "sound"):
        raise Differs(f"the sound scan beside a damaged file came out as {found.scan}")
    return sorted(found.words)


@cache
def _undamaged(folder: Path) -> str | None:
    from cases import sound_files
    from targets import outcome

    return outcome(sound_files(), folder).scan


def work(seed: int, folder: Path, again: int) -> None:
    """Answer each number on standard input with one line of JSON; nothing else reaches standard output."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    _limit_memory()
    answers.write(b"ready\n")
    for line in sys.stdin:
        try:
            answer: dict[str, object] = {"words": check(seed, int(line), folder, again=again)}
        except BaseException as error:
            last = traceback.extract_tb(error.__traceback__)[-3:]
            places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(last))
            answer = {"failure": type(error).__name__, "words": f"{str(error)[:300]} at {places}"}
        answers.write(json.dumps(answer).encode() + b"\n")


def _limit_memory() -> None:
    import resource

    import targets  # noqa: F401  # what is imported counts as Python's own memory

    own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (own + MEMORY_BYTES, own + MEMORY_BYTES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", type=int, default=1, help="read only each such case a second time")
    parser.add_argument("--case", type=int)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.work:
        return work(told.seed, told.work, told.again)
    if told.case is not None:
        return _one(told.seed, told.case, told.keep)
    found = run_cases(
        told.seed, range(told.first, told.first + told.count), workers=told.workers, again=told.again, progress=True
    )
    print(f"{found.cases} cases, seed {told.seed}: {len(found.failures)} failures. What came of them:")
    print(", ".join(f"{word} {number}" for word, number in found.words.most_common()))
    sys.exit(1 if found.failures else 0)


def _one(seed: int, number: int, keep: Path | None) -> None:
    from cases import case
    from targets import deliver

    if keep:
        deliver(case(seed, number).files, keep)
    _limit_memory()
    faulthandler.dump_traceback_later(6 * SECONDS, exit=True)
    with tempfile.TemporaryDirectory() as folder:
        print(case(seed, number).kind, *check(seed, number, Path(folder)))


if __name__ == "__main__":
    main()
