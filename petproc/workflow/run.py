"""Snakemake on a study, from anywhere: what `petproc run` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from petproc.workflow.plan import Plan
from petproc.workflow.study import workflow_root

CORES = ("--cores", "-c", "--jobs", "-j")
OWN_DISPLAY = ("--logger", "--verbose", "--quiet", "-q")
"""Options with which Snakemake's own output is wanted."""
NO_RUN = (
    *("-n", "--dry-run", "--dryrun", "--help", "-h", "--version", "-v", "--lint", "--list", "-l", "--list-rules"),
    *(
        "--unlock",
        "--dag",
        "--rulegraph",
        "--filegraph",
        "--summary",
        "-S",
        "--detailed-summary",
        "-D",
        "--touch",
        "-t",
    ),
)


def run_study(study: Path, options: Sequence[str] = ()) -> int:
    """Run the workflow of `study` with any Snakemake options; the exit status."""
    from petproc.workflow import progress

    arguments = []
    if not _among(options, CORES):
        arguments += ["--cores", "all"]
    if not _among(options, OWN_DISPLAY):
        progress.register()
        arguments += ["--logger", progress.NAME]
    return _snakemake(study, [*arguments, *options])


def preview_study(study: Path) -> int:
    """Print which jobs a run of `study` would do, and why; the exit status."""
    from petproc.workflow import preview

    preview.register()
    status = _snakemake(study, ["--dry-run", "--cores", "1", "--logger", preview.NAME])
    if status == 0:
        plan = Plan.read(study)
        preview.print_preview(preview.LogHandler.planned, preview.expected(plan))
        for words in plan.said_exploratory():
            print(words)
    return status


def _snakemake(study: Path, options: Sequence[str]) -> int:
    from snakemake.cli import main

    Plan.read(study)
    try:
        main(["--snakefile", str(workflow_root() / "Snakefile"), "--directory", str(study), *options])
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def only_plans(options: Sequence[str]) -> bool:
    """Whether `options` let Snakemake run nothing, so that there is nothing to sum up."""
    return _among(options, NO_RUN)


def _among(options: Sequence[str], names: Sequence[str]) -> bool:
    """Whether one of `names` is given, also as `--cores=4` or `-c4`."""
    return any(
        option.split("=")[0] == name or (len(name) == 2 and option.startswith(name) and option[1] != "-")
        for option in options
        for name in names
    )
