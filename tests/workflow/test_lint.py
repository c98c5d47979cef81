"""`snakemake --lint` finds nothing but the lack of an image for every rule, which there is not yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from petproc.core.tables import ScanRow
from petproc.io import write_rows
from petproc.workflow.study import init_study, workflow_root

CONTAINER = "Specify a conda environment or container for each rule."


def test_snakemake_lint_is_clean(tmp_path: Path) -> None:
    init_study(tmp_path)
    write_rows(tmp_path / "config/scans.tsv", [ScanRow("01", "baseline", "FDG", "1.1", "1.2", "yes", "")], ScanRow)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow_root() / "Snakefile")]
    done = subprocess.run([*command, "--directory", tmp_path, "--lint"], capture_output=True, text=True)
    said = [
        line.removeprefix("    * ").removesuffix(":")
        for line in (done.stdout + done.stderr).splitlines()
        if line.startswith("    * ")
    ]
    assert set(said) == {CONTAINER}
