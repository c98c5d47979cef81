"""What a run would do and why, in words: Snakemake's dry run, read as a logger plugin and said as a table."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from logging import LogRecord
from typing import ClassVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from petproc.audit.difference import settings_that_differ
from petproc.workflow.plan import Plan

NAME = "petprocpreview"
HEAVY = ("ingest", "segment", "align", "sample")
"""Stages that open images; all others read tables."""
WORDS = (
    ("Missing output files", "not made yet"),
    ("Updated input files", "what it is made from changed"),
    ("Set of input files has changed", "it is made from other scans or backends"),
    ("Code has changed", "its script changed"),
    ("Software environment", "its software changed"),
    ("Input files updated by another job", "a stage before it is made anew"),
)
TABLES = (
    ("judgement", "a reader's verdict"),
    ("quantity|dose_mbq|weight_kg|injection_time|glucose_mmol_l", "the site's worksheet"),
    ("x_mm", "a reader's points"),
    ("include", "the table of scans"),
)
"""Columns by which rows among a job's settings are known for what they are."""
LONG = 100


@dataclass(frozen=True)
class Planned:
    """A job that would run: its rule, and why."""

    rule: str
    why: str

    @property
    def heavy(self) -> bool:
        return self.rule.startswith(HEAVY)


def why(reason: str) -> str:
    """Snakemake's reason in our words; a changed setting with its value before and now."""
    if reason.startswith("Params have changed"):
        found = re.search(r"before: (.*?) now: (.*)", " ".join(reason.split()))
        if not found:
            return "settings changed"
        known = [words for columns, words in TABLES if re.search(f"'({columns})':", reason)]
        return f"{known[0]} changed" if known else f"settings: {_short(_changed(*found.groups()))}"
    return next((words for start, words in WORDS if reason.startswith(start)), reason or "asked for")


def _changed(before: str, now: str) -> str:
    """What differs between two settings as Snakemake writes them; both where they cannot be read."""
    try:
        a, b = ast.literal_eval(before), ast.literal_eval(now)
    except (ValueError, SyntaxError):
        a = b = None
    if isinstance(a, dict) and isinstance(b, dict):
        return ", ".join(f"{one.path} {one.a} → {one.b}" for one in settings_that_differ(a, b))
    return f"{_short(before)} → {_short(now)}"


def _short(text: str) -> str:
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def expected(plan: Plan) -> dict[str, int]:
    """How many jobs of each stage a study has in all."""
    scans, backends, analyses = len(plan.included), len(plan.settings.segment.backends), len(plan.settings.analyses)
    edited = {
        backend: sum(bool(plan.edit_of(row.participant, row.session, backend)) for row in plan.included)
        for backend in plan.settings.segment.backends
    }
    per_scan = {"ingest": scans, **{f"segment_{backend}": scans - n for backend, n in edited.items()}}
    per_scan |= {"segment_edited": sum(edited.values()), "align": scans, "sample": scans * backends}
    per_analysis = dict.fromkeys(("quantify", "compare", "fragility", "report"), analyses)
    return per_scan | per_analysis | {"dataset": 1, "complete": 1}


def print_preview(planned: Sequence[Planned], whole: dict[str, int]) -> None:
    console = Console()
    if not planned:
        console.print("Nothing to do: everything there is follows from the settings and scans as they are.")
        return
    table = Table("stage", "to do", "reused", "opens images", "why", box=None)
    by_rule: dict[str, list[Planned]] = defaultdict(list)
    for job in planned:
        by_rule[job.rule].append(job)
    for rule in sorted(by_rule, key=lambda name: (list(whole).index(name) if name in whole else len(whole), name)):
        jobs = by_rule[rule]
        reused = str(max(0, whole[rule] - len(jobs))) if rule in whole else ""
        table.add_row(
            rule.replace("_", " "),
            str(len(jobs)),
            reused,
            "yes" if jobs[0].heavy else "no",
            escape("; ".join(dict.fromkeys(job.why for job in jobs))),
        )
    console.print(table)
    heavy = sum(job.heavy for job in planned)
    console.print(f"{len(planned)} jobs, {heavy} of which open images." if heavy else f"{len(planned)} jobs on tables.")


class LogHandler(LogHandlerBase):
    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False
    planned: ClassVar[list[Planned]] = []
    """The jobs of the last dry run: Snakemake makes its handlers itself and hands none out."""

    def __post_init__(self) -> None:
        self.plain = DefaultFormatter(self.common_settings.quiet, show_failed_logs=True)
        self.planned.clear()

    def emit(self, record: LogRecord) -> None:
        if getattr(record, "event", None) == LogEvent.JOB_INFO:
            rule = record.rule_name  # type: ignore[attr-defined]
            if rule != "all":
                self.planned.append(Planned(rule, why(record.reason or "")))  # type: ignore[attr-defined]
        elif record.levelname in ("ERROR", "CRITICAL"):
            print(self.plain.format(record), file=sys.stderr)


def register() -> None:
    """Make this module known to Snakemake as a logger plugin."""
    from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

    LoggerPluginRegistry().register_plugin(f"snakemake_logger_plugin_{NAME}", sys.modules[__name__])
