"""The self-test says what is wrong, and that nothing is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from petproc import cli
from petproc.core.errors import Refusal
from petproc.dicom.reference_catalogue import REFERENCE_OBJECTS
from petproc.phantom import selftest


def run() -> tuple[int, list[str]]:
    done = CliRunner().invoke(cli.app, ["selftest"], catch_exceptions=False, env={"COLUMNS": "120"})
    return done.exit_code, done.stdout.splitlines()


def test_all_reference_objects_are_right() -> None:
    status, lines = run()
    assert status == 0
    assert [line.split()[0] for line in lines if line.split()[-1:] == ["ok"]] == list(REFERENCE_OBJECTS)
    assert lines[-1] == "All 17 are right."


def spoil(monkeypatch: pytest.MonkeyPatch, how: Callable[..., float]) -> None:
    """Two objects, measured with another function for SUV."""
    monkeypatch.setattr(selftest, "REFERENCE_OBJECTS", {name: REFERENCE_OBJECTS[name] for name in ("0_0", "1_0")})
    monkeypatch.setattr(selftest, "suv_per_activity", how)


def test_an_suv_one_in_a_thousand_off_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    true = selftest.suv_per_activity
    spoil(monkeypatch, lambda acquisition: 1.001 * true(acquisition))
    status, lines = run()
    assert status == 1
    assert lines[-1] == "Wrong: 0_0, 1_0."


def test_a_refusal_is_wrong_and_says_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> float:
        raise Refusal("no-such-thing", "Nothing is known.", "Ask.")

    spoil(monkeypatch, refuse)
    status, lines = run()
    assert status == 1
    assert sum("(refused: no-such-thing)" in line and "wrong" in line for line in lines) == 2
