"""One digital trial of two participants and one run of it, made once for every workflow test."""

from __future__ import annotations

from pathlib import Path

import pytest
from studies import new_study, petproc


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file, and all that use the whole run, go to one process: what they share is made once.

    Those of the whole run take longest and begin first.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group("whole run" if _uses_whole_run(item) else item.path.as_posix()))
    items.sort(key=lambda item: not _uses_whole_run(item))


def _uses_whole_run(item: pytest.Item) -> bool:
    return bool({"trial", "ran"} & set(getattr(item, "fixturenames", ())))


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DICOM of the chest of two people at two visits, noise-free, with the truth beside it."""
    from petproc.phantom import CHEST, write_trial

    folder = tmp_path_factory.mktemp("trial")
    write_trial(folder, participants=2, effect=0.0, seed=3, changes=(-0.16, 0.04), noise=0.0, grid=CHEST, threads=1)
    return folder


@pytest.fixture(scope="session")
def ran(trial: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the whole trial, run with two cores."""
    study = new_study(tmp_path_factory.mktemp("ran") / "study", trial, trial / "dicom")
    said = petproc("run", study, "--cores", "2")
    assert said.returncode == 0, said.stdout
    return study
