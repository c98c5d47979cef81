"""The files that make a dataset of the scans' folders. `files.description`, `files.readme`, ... as in the rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from petproc.ingest.dataset import PARTICIPANTS, Dataset, ParticipantRow
from petproc.io import read_json, write_json, write_rows


def read_sidecars(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Sidecars of all scans, those of refused ones too."""
    return [read_json(path) for path in paths]


def write_dataset(files: SimpleNamespace, dataset: Dataset) -> None:
    write_json(files.description, dataset.description)
    files.readme.write_text(dataset.readme, encoding="utf-8")
    write_rows(files.participants, dataset.participants, ParticipantRow)
    write_json(files.participants_sidecar, PARTICIPANTS)
    files.ignored.write_text("".join(f"{line}\n" for line in dataset.ignored), encoding="utf-8")
    write_json(files.derived, dataset.derived)
