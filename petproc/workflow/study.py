"""A study: a folder with config, decisions and results of one trial; and where its workflow and template are."""

from __future__ import annotations

import shutil
from pathlib import Path

import petproc
from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.tables import ScanRow, WorksheetRow
from petproc.io import write_rows

TEMPLATE = (layout.CONFIG, "config/README.md")


def workflow_root() -> Path:
    """The folder with Snakefile, workflow/ and config/: inside an installed package, or the checkout."""
    package = Path(petproc.__file__).resolve().parent
    packed = package / "_study"
    return packed if packed.is_dir() else package.parent


def init_study(study: Path) -> None:
    """Make a study from the template; one that is there already is left alone and refused."""
    if layout.path(layout.CONFIG, study).exists():
        raise Refusal("study-exists", f"{study} is a study already.", "Choose another folder, or edit its config/.")
    for name in TEMPLATE:
        (study / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(workflow_root() / name, study / name)
    write_rows(layout.path(layout.SCANS, study), [], ScanRow)
    write_rows(layout.path(layout.WORKSHEET, study), [], WorksheetRow)
    (study / layout.DECISIONS).mkdir(exist_ok=True)
