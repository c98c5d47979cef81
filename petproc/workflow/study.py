"""A study: a folder with config, decisions and results of one trial; and where its workflow and template are."""

from __future__ import annotations

import shutil
from pathlib import Path

import petproc
from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.tables import PointRow, ScanRow, WorksheetRow
from petproc.io import write_rows

README = "config/README.md"
EXAMPLES = "config/examples"


def workflow_root() -> Path:
    """The folder with Snakefile, workflow/ and config/: inside an installed package, or the checkout."""
    package = Path(petproc.__file__).resolve().parent
    packed = package / "_study"
    return packed if packed.is_dir() else package.parent


def init_study(study: Path, example: str | None = None) -> None:
    """Make a study from the template, or from the settings of an `example`; one that is there already is left alone and
    refused."""
    if layout.path(layout.CONFIG, study).exists():
        raise Refusal("study-exists", f"{study} is a study already.", "Choose another folder, or edit its config/.")
    for source, name in ((_settings(example), layout.CONFIG), (workflow_root() / README, README)):
        (study / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, study / name)
    write_rows(layout.path(layout.SCANS, study), [], ScanRow)
    write_rows(layout.path(layout.WORKSHEET, study), [], WorksheetRow)
    write_rows(layout.path(layout.POINTS, study), [], PointRow)
    (study / layout.DECISIONS).mkdir(exist_ok=True)


def examples() -> list[str]:
    """Names of the settings that come with the program."""
    return sorted(path.stem for path in (workflow_root() / EXAMPLES).glob("*.yaml"))


def _settings(example: str | None) -> Path:
    if example is None:
        return workflow_root() / layout.CONFIG
    if example not in examples():
        raise Refusal("example-unknown", f"There is no example {example}.", f"Examples: {', '.join(examples())}.")
    return workflow_root() / EXAMPLES / f"{example}.yaml"
