"""How a run goes, stage by stage: a log handler in the form of a Snakemake logger plugin.

Snakemake says which jobs it plans, starts and ends; what a job refused is read from the files that it wrote. Bars on a
terminal, a line per job elsewhere. Dry runs and whatever else is no run are printed as Snakemake prints them.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from logging import LogRecord
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from petproc.layout import scan_name

NOT_SHOWN = ("total", "all")
LOG_LINES = 40
NAME = "petproc"
SAID_ALREADY = ("Exiting because a job execution failed", "WorkflowError:\nAt least one job did not complete")
"""How Snakemake ends after a failed job."""


class LogHandler(LogHandlerBase):
    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        self.console = Console(stderr=True)
        self.plain = DefaultFormatter(self.common_settings.quiet, show_failed_logs=True)
        self.display = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self.console,
        )
        self.tasks: dict[str, TaskID] = {}
        self.jobs: dict[int, Any] = {}
        self.refused: Counter[str] = Counter()
        self.said: set[tuple[str, str]] = set()

    def emit(self, record: LogRecord) -> None:
        event = getattr(record, "event", None)
        if self.common_settings.dryrun:
            self._print_plain(record)
        elif event == LogEvent.RUN_INFO:
            self._planned(record.stats)  # type: ignore[attr-defined]
        elif event == LogEvent.JOB_INFO:
            self.jobs[record.jobid] = record  # type: ignore[attr-defined]
        elif event == LogEvent.JOB_FINISHED:
            self._finished(self.jobs.pop(record.job_id))  # type: ignore[attr-defined]
        elif event == LogEvent.JOB_ERROR:
            self._failed(record)
        elif record.levelname in ("ERROR", "CRITICAL") and getattr(record, "exception", "") != "RuleException":
            self._print_plain(record)

    def close(self) -> None:
        if self.console.is_terminal:
            self.display.stop()
        super().close()

    def _planned(self, stats: dict[str, int]) -> None:
        if self.tasks:
            return
        for rule, count in stats.items():
            if rule not in NOT_SHOWN:
                self.tasks[rule] = self.display.add_task(rule.replace("_", " "), total=count, note="")
        if self.console.is_terminal:
            self.display.start()

    def _finished(self, job: Any) -> None:
        if job.rule_name not in self.tasks:
            return
        refusal = _refusal(job.output)
        self.refused[job.rule_name] += bool(refusal)
        self._advance(job, f"{refusal['reason']} {refusal['remedy']}" if refusal else "")

    def _failed(self, job: Any) -> None:
        """A bug, whose log is shown; that a study is not complete is said by the summary after the run."""
        name = _name(self.jobs.pop(job.jobid, job))
        if job.rule_name == "complete":
            return
        self.console.print(f"[red]failed[/] {escape(name)}", soft_wrap=True)
        for path in map(Path, job.log):
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
            self.console.print("\n".join(text.splitlines()[-LOG_LINES:]), markup=False, highlight=False, soft_wrap=True)
            self.console.print(f"(from {path})", highlight=False, soft_wrap=True)

    def _advance(self, job: Any, refused: str) -> None:
        task = self.tasks[job.rule_name]
        count = self.refused[job.rule_name]
        self.display.update(task, advance=1, note=f"[yellow]{count} refused" if count else "")
        state = next(entry for entry in self.display.tasks if entry.id == task)
        if refused:
            self._say_once(job, refused)
        elif not self.console.is_terminal:
            self.console.print(f"{escape(_name(job))} ({state.completed:.0f} of {state.total:.0f})", soft_wrap=True)

    def _say_once(self, job: Any, refused: str) -> None:
        """A refusal goes through every later stage of its scan; it is said where it arose."""
        key = (_place(job), refused)
        if key not in self.said:
            self.said.add(key)
            self.console.print(f"[yellow]refused[/] {escape(_name(job))}: {escape(refused)}", soft_wrap=True)

    def _print_plain(self, record: LogRecord) -> None:
        text = (self.plain.format(record) or "").strip()
        if text and text != "None" and not text.startswith(SAID_ALREADY):
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _name(job: Any) -> str:
    """What a job works on: `ingest sub-01_ses-baseline`, `compare primary`."""
    return f"{job.rule_name.replace('_', ' ')} {_place(job)}".strip()


def _place(job: Any) -> str:
    names = dict(getattr(job, "wildcards", None) or {})
    return scan_name(names["participant"], names["session"]) if "participant" in names else names.get("analysis", "")


def _refusal(outputs: list[str]) -> dict[str, str] | None:
    """What a finished job says that it refused."""
    for path in outputs:
        if path.endswith(".json") and Path(path).is_file():
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            record = content.get("petproc") if isinstance(content.get("petproc"), dict) else content
            if record.get("refusal"):
                return dict(record["refusal"])
    return None


def register() -> None:
    """Make this module known to Snakemake as the logger `petproc`."""
    from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

    LoggerPluginRegistry().register_plugin(f"snakemake_logger_plugin_{NAME}", sys.modules[__name__])
