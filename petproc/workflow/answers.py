"""Two answers to be compared: analyses as they are or as an earlier run left them, and answers under other settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from petproc import layout
from petproc.audit import difference
from petproc.audit.difference import Answer
from petproc.audit.history import publications, recall
from petproc.audit.ledger import read
from petproc.compare import compare_study
from petproc.core.errors import Refusal
from petproc.core.metrics import METRICS
from petproc.core.tables import ChangeRow, UptakeRow, Verdict, WorksheetRow
from petproc.io import json_of_text, rows_of_file
from petproc.quantify import excluded_rows, quantify_study
from petproc.settings import Analysis
from petproc.workflow.evidence import tables_of
from petproc.workflow.handover.broken import BROKEN
from petproc.workflow.handover.tables import applied_of
from petproc.workflow.plan import Plan, values_of
from petproc.workflow.said import print_difference

FILES = (layout.QUANTIFY, layout.COMPARE, layout.UPTAKE, layout.CHANGE)
AT = "@"
"""`primary@12`: the analysis as ledger entry 12 left it."""


def print_answers(study: Path, names: tuple[str, str], *, metric: str, explained: bool) -> None:
    """Print how the answers called `names` differ, and with `explained` which setting alone makes how much of it."""
    a, b = (answer_of(study, name) for name in names)
    if metric not in METRICS:
        raise Refusal("metric-unknown", f"There is no metric {metric!r}.", f"There are: {', '.join(METRICS)}.")
    shares = []
    if explained:
        plan = Plan.read(study)
        shares = difference.explained(a, b, metric, lambda settings: answer_with(study, plan, settings))
    moved = {
        f"{metric} of a scan": difference.scans_moved(a, b, metric),
        f"change of {metric} in %": difference.changes_moved(a, b, metric),
    }
    settings = difference.settings_that_differ(a.settings, b.settings)
    print_difference(a, b, settings, moved, difference.flips(a, b, metric), shares)


def answer_of(study: Path, name: str) -> Answer:
    """The analysis called `name`, as it is now or, with `@ENTRY`, as that run of the ledger left it."""
    analysis, _, entry = name.partition(AT)
    texts = _now(study, analysis) if not entry else _then(study, analysis, entry)
    paths = {template: layout.path(template, analysis=analysis) for template in FILES}
    compared = json_of_text(texts[layout.COMPARE], paths[layout.COMPARE])
    quantified = json_of_text(texts[layout.QUANTIFY], paths[layout.QUANTIFY])
    settings = {**quantified["settings"], "compare": compared["settings"]}
    return Answer(
        name,
        settings,
        rows_of_file(texts[layout.UPTAKE], UptakeRow, paths[layout.UPTAKE]),
        rows_of_file(texts[layout.CHANGE], ChangeRow, paths[layout.CHANGE]),
        {who: one["index"]["region"] for who, one in compared.get("participants", {}).items()},
        compared.get("exploratory", ""),
    )


def answer_with(study: Path, plan: Plan, settings: Mapping[str, Any]) -> Answer:
    """What the study's tables answer under `settings`, without a file being written."""
    analysis = Analysis.model_validate(dict(settings))
    worksheet: dict[tuple[str, str], WorksheetRow] = {(one.participant, one.session): one for one in plan.worksheet}
    keys = [(row.participant, row.session) for row in plan.included]
    applied = applied_of([study / path for path in plan.per_scan(layout.PET_SIDECAR)], plan.scans, worksheet)
    verdicts = [Verdict(**row) for row in plan.judged()]
    tables = [tables_of(study, plan, analysis, key) for key in keys]
    if broken := next((one.refused for one in tables if one.refused and one.refused.code in BROKEN), None):
        raise broken
    quantified = list(quantify_study(tables, analysis.quantify, verdicts=verdicts, threads=2))
    compared = compare_study(
        [row for one in quantified for row in one.slices],
        uptake := [row for one in quantified for row in one.uptake] + excluded_rows(plan.scans),
        plan.scans,
        settings=analysis.compare,
        quantify=analysis.quantify,
        applied={key: one for key in keys if (one := applied(key))},
    )
    return Answer(
        "", values_of(analysis), uptake, compared.change, {one.participant: one.region for one in compared.index}
    )


def _now(study: Path, analysis: str) -> dict[str, str]:
    paths = {template: layout.path(template, study, analysis=analysis) for template in FILES}
    if lacking := [path.name for path in paths.values() if not path.is_file()]:
        raise Refusal(
            "analysis-not-made",
            f"Analysis {analysis} has no {', '.join(lacking)}.",
            f"Make it with: petproc run {study}; petproc history {study} lists what earlier runs left.",
        )
    return {template: path.read_text(encoding="utf-8") for template, path in paths.items()}


def _then(study: Path, analysis: str, entry: str) -> dict[str, str]:
    """Each file as last published up to that entry."""
    found: dict[str, str] = {}
    wanted = {layout.path(template, analysis=analysis).as_posix(): template for template in FILES}
    for one in publications(read(study)):
        if entry.isdigit() and one.entry <= int(entry) and one.path in wanted:
            found[wanted[one.path]] = one.digest
    if lacking := [template for template in FILES if template not in found]:
        raise Refusal(
            "run-left-nothing",
            f"No run up to entry {entry} left {', '.join(Path(one).name for one in lacking)} of analysis {analysis}.",
            f"petproc history {study} lists the runs and what they left.",
        )
    return {template: recall(study, digest).decode("utf-8") for template, digest in found.items()}
