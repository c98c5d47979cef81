"""The command line: help with examples, refusals in words, and the study that is meant."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import petproc
from petproc import cli, layout
from petproc.core.errors import Refusal
from petproc.settings import Settings, plain

COMMANDS = (
    *("init", "inventory", "suv", "points", "phantom", "plan", "run", "status", "check", "selftest"),
    *("explain", "diff", "history", "recall"),
)


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example(command: str) -> None:
    assert f"petproc {command} " in invoke(command, "--help").split("Example")[1]


def test_every_command_is_listed() -> None:
    said = invoke("--help")
    assert all(command in said for command in COMMANDS)


def test_the_version_is_printed() -> None:
    assert invoke("--version").strip() == f"petproc {petproc.__version__}"


def test_a_refusal_is_one_line_without_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from petproc.cli import main; main()", "status", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "petproc init" in done.stderr


def test_a_new_study_has_the_settings_that_a_study_without_settings_would_have(tmp_path: Path) -> None:
    invoke("init", str(tmp_path / "trial"))
    read = Settings.read(tmp_path / "trial" / layout.CONFIG)
    assert plain(read) == plain(Settings())


def test_a_study_is_not_made_over_another(tmp_path: Path) -> None:
    invoke("init", str(tmp_path))
    with pytest.raises(Refusal, match="study already"):
        invoke("init", str(tmp_path))


def test_inventory_takes_the_current_folder_as_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal, match="petproc init"):
        invoke("inventory", "delivery")


def test_run_passes_options_on_and_takes_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("petproc.workflow.run.run_study", lambda study, options: seen.append((study, options)) or 0)
    monkeypatch.setattr("petproc.workflow.state.print_summary", lambda study: seen.append(study))
    monkeypatch.chdir(tmp_path)
    invoke("run", "trial", "--cores", "4", "-n")
    invoke("run", "--cores", "4", "--dry-run")
    invoke("run")
    assert seen == [
        (tmp_path / "trial", ["--cores", "4", "-n"]),
        (tmp_path, ["--cores", "4", "--dry-run"]),
        (tmp_path, []),
        Path(),
    ]


def test_config_readme_names_every_setting() -> None:
    text = (Path(__file__).parents[1] / "config/README.md").read_text()
    sections = plain(Settings())
    analysis = sections.pop("analyses")["primary"]
    names = [key for section in sections.values() for key in section]
    names += [*analysis["compare"], *analysis["fragility"]]
    names += [key for key in analysis["quantify"] if key not in ("gate", "background")]
    assert [name for name in names if name not in text] == []
