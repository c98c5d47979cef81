"""The command line as a user calls it, and studies of the digital trial."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from petproc import layout


def petproc(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line, with everything it says in `stdout`."""
    command = [sys.executable, "-c", "from petproc.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def new_study(folder: Path, trial: Path, *deliveries: Path) -> Path:
    """A study of the trial that measures the true masks."""
    assert petproc("init", folder).returncode == 0
    shutil.copytree(trial / "truth/masks", folder / "masks")
    config = layout.path(layout.CONFIG, folder)
    text = config.read_text().replace("backends: [classical]", "backends: [imported]")
    config.write_text(text.replace("backend: classical", "backend: imported"))
    said = petproc("inventory", folder, *deliveries, "--keep-ids")
    assert said.returncode == 0, said.stdout
    return folder
