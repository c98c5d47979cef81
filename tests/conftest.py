"""One digital trial of two participants and one run of it, made once for every workflow test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from petproc import layout


def petproc(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line, with everything it says in `stdout`."""
    command = [sys.executable, "-c", "from petproc.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DICOM of the chest of two people at two visits, noise-free, with the truth beside it."""
    from petproc.phantom import CHEST, write_trial

    folder = tmp_path_factory.mktemp("trial")
    write_trial(folder, participants=2, effect=0.0, seed=3, changes=(-0.16, 0.04), noise=0.0, grid=CHEST, threads=1)
    return folder


def new_study(folder: Path, trial: Path, *deliveries: Path) -> Path:
    """A study of the trial that measures the true masks."""
    assert petproc("init", folder).returncode == 0
    config = layout.path(layout.CONFIG, folder)
    text = config.read_text().replace(
        "masks/{participant}_{session}.nii.gz", f"{trial}/truth/masks/{{participant}}_{{session}}.nii.gz"
    )
    text = text.replace("backends: [classical]", "backends: [imported]").replace(
        "backend: classical", "backend: imported"
    )
    config.write_text(text)
    said = petproc("inventory", folder, *deliveries, "--keep-ids")
    assert said.returncode == 0, said.stdout
    return folder


@pytest.fixture(scope="session")
def ran(trial: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the whole trial, run with two cores."""
    study = new_study(tmp_path_factory.mktemp("ran") / "study", trial, trial / "dicom")
    said = petproc("run", study, "--cores", "2")
    assert said.returncode == 0, said.stdout
    return study
