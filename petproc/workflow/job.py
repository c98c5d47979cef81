"""What every script runs in.

    with job(snakemake, "align") as run:
        ...
        write_alignment(run.output, alignment, run.record(alignment.findings))

The job's log is open while it runs. What it writes gets its final name only when everything has been written. A
`Refusal` becomes valid, empty outputs that carry status, code, reason and remedy; only a bug fails the job.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import petproc
from petproc.core.errors import Finding, Refusal
from petproc.core.tables import PointRow, ScanRow, Verdict, WorksheetRow
from petproc.layout import scan_name
from petproc.settings import Section
from petproc.workflow.handover.refused import write_refused

Settings = TypeVar("Settings", bound=Section)
LOGGER = logging.getLogger("petproc")
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
"""Pinned to 1: sums in another order give other last digits. Work is split by our own chunks instead."""


@dataclass(frozen=True)
class Run:
    """One job: its files by the names that the rule gives them, `output` under temporary names."""

    stage: str
    scan: str
    input: SimpleNamespace
    output: SimpleNamespace
    params: Mapping[str, Any]
    threads: int

    @property
    def scans(self) -> list[ScanRow]:
        """All scans of the study, those left out too."""
        return [ScanRow(**row) for row in self.params["scans"]]

    @property
    def worksheet(self) -> dict[tuple[str, str], WorksheetRow]:
        """What the site's worksheet says, by participant and session; a quantity that it leaves out is None."""
        nothing = dict.fromkeys(field.name for field in fields(WorksheetRow))
        rows = [WorksheetRow(**{**nothing, **row}) for row in self.params["worksheet"]]
        return {(row.participant, row.session): row for row in rows}

    @property
    def points(self) -> list[PointRow]:
        """What readers set in this scan."""
        return [PointRow(**{"place": None, "reader": None, **row}) for row in self.params["points"]]

    @property
    def verdicts(self) -> list[Verdict]:
        """What readers decided, one row per scan."""
        return [Verdict(**row) for row in self.params["verdicts"]]

    def settings(self, kind: type[Settings]) -> Settings:
        return kind.model_validate(self.params["settings"])

    def record(self, findings: Iterable[Finding] = (), refusal: Refusal | None = None) -> dict[str, Any]:
        """How the job ended and what it ran with: the head of every JSON file that it writes."""
        for finding in findings:
            LOGGER.info("%s [%s]", finding.message, finding.code)
        return {
            "stage": self.stage,
            "status": "refused" if refusal else "ok",
            "refusal": refusal.to_json() if refusal else None,
            "findings": [finding.to_json() for finding in findings],
            "version": self.params.get("version"),
            "petproc": petproc.__version__,
            "settings": self.params.get("settings", {}),
            **({"exploratory": self.params["exploratory"]} if "exploratory" in self.params else {}),
        }


@contextlib.contextmanager
def job(snakemake: Any, stage: str) -> Iterator[Run]:
    """Run the body as one job of `stage`, with what Snakemake gives to its script."""
    final = _files(snakemake.output)
    run = Run(
        stage=stage,
        scan=_scan(snakemake.wildcards),
        input=_files(snakemake.input),
        output=SimpleNamespace(**{name: _temporary(path) for name, path in vars(final).items()}),
        params=dict(snakemake.params.items()),
        threads=int(snakemake.threads),
    )
    with (
        _log(Path(snakemake.log[0]), of_delivery=stage == "ingest"),
        _one_thread(),
        _whole_or_nothing(run.output, final),
    ):
        start = time.perf_counter()
        try:
            yield run
            LOGGER.info("%s took %.2f s", stage, time.perf_counter() - start)
        except Refusal as refusal:
            LOGGER.warning("Refused: %s %s [%s]", refusal.reason, refusal.remedy, refusal.code)
            write_refused(run.output, run.record(refusal=refusal))


def _files(named: Any) -> SimpleNamespace:
    """Paths by name; a name that stands for several files has a list."""
    return SimpleNamespace(
        **{
            name: Path(value) if isinstance(value, str) else [Path(path) for path in value]
            for name, value in named.items()
        }
    )


def _scan(wildcards: Any) -> str:
    names = dict(wildcards.items())
    return scan_name(names["participant"], names["session"]) if "participant" in names else ""


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")


@contextlib.contextmanager
def _whole_or_nothing(unfinished: SimpleNamespace, final: SimpleNamespace) -> Iterator[None]:
    for path in vars(final).values():
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
        for name, path in vars(unfinished).items():
            path.replace(getattr(final, name))
    finally:
        for path in vars(unfinished).values():
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    with threadpool_limits(limits=1):
        yield


@contextlib.contextmanager
def _log(path: Path, *, of_delivery: bool) -> Iterator[None]:
    """Everything that is said goes to the log; a bug leaves its traceback there and ends the process.

    Where files of a delivery are read the traceback is without the error's words: they may quote a name or a path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False
        try:
            with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
                yield
        except Exception as error:
            if of_delivery:
                traceback.print_tb(error.__traceback__, file=stream)
                print(type(error).__name__, file=stream)
            else:
                traceback.print_exc(file=stream)
            sys.exit(1)
        finally:
            LOGGER.removeHandler(handler)
