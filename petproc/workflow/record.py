"""Runs in the ledger: when one started with which settings and versions, how it ended, and what it left.

Only the process that controls a run calls these, at its start and its end; jobs never do.
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from petproc import layout
from petproc.audit.history import keep, publications
from petproc.audit.ledger import Event, append, read, who
from petproc.audit.manifest import record
from petproc.settings import RESULTS_VERSION
from petproc.workflow.plan import Plan, values_of

LIBRARIES = ("numpy", "scipy", "scikit-image", "pydicom", "pyarrow", "snakemake")
"""Those whose version may change a number."""


def run_started(plan: Plan, study: Path = Path()) -> None:
    append(study, Event("run-started", who(), after=_with(plan, study)))


def run_finished(plan: Plan, status: Literal["ok", "failed"], study: Path = Path()) -> None:
    """Keep the tables that are there now, record them beside those that the run before had left, and list all files."""
    entries = read(study)
    before = {one.path: one.digest for one in publications(entries)}
    published = keep(study, plan.settings.analyses)
    changed = {path: before.get(path) for path, digest in published.items() if before.get(path) != digest}
    listed = record(study, entries, masks_of(plan))
    after = {"status": status, "published": published, "manifest": listed}
    append(study, Event("run-finished", who(), before=changed, after=after))


def masks_of(plan: Plan) -> list[str]:
    """Masks that were imported, as paths in the study; one elsewhere has its own keeper."""
    if "imported" not in plan.settings.segment.backends:
        return []
    masks = [plan.mask(row.participant, row.session) for row in plan.included]
    return [path for path in masks if not Path(path).is_absolute()]


def _with(plan: Plan, study: Path) -> dict[str, Any]:
    """Settings and tables by their hash, and what computes."""
    settings = json.dumps(values_of(plan.settings), sort_keys=True).encode()
    tables = [path for path in (layout.SCANS, layout.WORKSHEET, layout.POINTS) if (study / path).is_file()]
    return {
        "settings": hashlib.sha256(settings).hexdigest(),
        "config": {path: hashlib.sha256((study / path).read_bytes()).hexdigest() for path in (layout.CONFIG, *tables)},
        "results_version": dict(RESULTS_VERSION),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }
