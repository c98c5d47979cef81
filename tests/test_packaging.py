"""What is shipped: versions agree, and the wheel holds the workflow."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import petproc

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["version"] == petproc.__version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == petproc.__version__
    assert f"## {petproc.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_every_dependency_is_in_the_lock_and_explained() -> None:
    lock = (ROOT / "requirements.lock").read_text().lower()
    explained = (ROOT / "CONTRIBUTING.md").read_text()
    for name in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]):
        assert f"\n{name.split('[')[0].lower()}==" in f"\n{lock}", name
        assert name.split("[")[0] in explained, name


def test_the_lock_names_no_host() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_workflow(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    examples = [f"config/examples/{path.name}" for path in (ROOT / "config/examples").iterdir()]
    whole = ("Snakefile", "config/config.yaml", "config/README.md", "workflow/profiles/default/config.yaml")
    for path in (*whole, *examples):
        assert f"petproc/_study/{path}" in inside
    for folder in ("rules", "scripts"):
        for path in (ROOT / "workflow" / folder).iterdir():
            assert f"petproc/_study/workflow/{folder}/{path.name}" in inside
    assert {name.split("/")[0] for name in inside} == {"petproc", f"petproc-{petproc.__version__}.dist-info"}


def test_a_study_is_planned_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    script = (
        "from pathlib import Path; import petproc; from petproc.workflow.study import init_study, workflow_root;"
        "init_study(Path('trial'));"
        "from petproc.core.tables import ScanRow; from petproc.io import write_rows;"
        "write_rows(Path('trial/config/scans.tsv'), [ScanRow('1', 'baseline', 'FDG', '1', '2', 'yes', '')], ScanRow);"
        "print(workflow_root());"
        "from petproc.workflow.run import run_study; raise SystemExit(run_study(Path('trial').resolve(), ['-n']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/site/petproc/_study" in done.stdout
    assert "rule ingest:" in done.stderr
