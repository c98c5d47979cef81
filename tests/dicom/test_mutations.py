"""Damaged deliveries: a finding or a refusal each, never a crash, a hang, or harm to what is sound beside them."""

from __future__ import annotations

import sys
from pathlib import Path

import cases
import pytest
import seeded
import targets

BAD_WORKER = """
import os, signal, sys, time
print("ready", flush=True)
sys.stdin.readline()
{}
"""


def test_five_hundred_damaged_deliveries_are_read_or_refused() -> None:
    found = seeded.run_cases(20250101, range(500), workers=2, again=10)
    assert found.failures == ()
    assert found.words["ingested"] > 100
    expected = {"file-damaged", "file-truncated", "archive-unreadable", "frames-inconsistent", "slices-missing"}
    assert expected <= set(found.words)
    assert len(found.words) > 20


def test_a_case_is_the_same_whenever_it_is_made() -> None:
    assert [cases.case(3, n) for n in range(40)] == [cases.case(3, n) for n in range(40)]
    assert len({str(cases.case(3, n)) for n in range(40)}) == 40


def test_what_is_not_damaged_is_ingested(tmp_path: Path) -> None:
    found = targets.outcome(cases.sound_files(), tmp_path)
    assert "ingested" in found.words
    assert found.scan


@pytest.mark.parametrize("bug", [TypeError("a bug"), MemoryError(), RecursionError()])
def test_any_other_exception_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: BaseException) -> None:
    def broken(*_: object, **__: object) -> None:
        raise bug

    monkeypatch.setattr(targets, "ingest_scan", broken)
    with pytest.raises(type(bug)):
        seeded.check(1, next(n for n in range(99) if cases.case(1, n).sound), tmp_path)


def test_a_sound_scan_that_changes_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeded, "_undamaged", lambda _: "another digest")
    with pytest.raises(targets.Differs):
        seeded.check(1, next(n for n in range(99) if cases.case(1, n).sound), tmp_path)


def test_another_outcome_the_second_time_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = iter("ab")
    monkeypatch.setattr(targets, "_digest", lambda _: next(digests))
    with pytest.raises(targets.Differs, match="read twice"):
        targets.outcome(cases.sound_files(), tmp_path)


@pytest.mark.parametrize(
    ("does", "kind"),
    [("time.sleep(60)", "hang"), ("os.kill(os.getpid(), signal.SIGSEGV)", "crash"), ("sys.exit(3)", "crash")],
)
def test_a_process_that_hangs_or_dies_is_a_failure(tmp_path: Path, does: str, kind: str) -> None:
    worker = seeded.Worker([sys.executable, "-c", BAD_WORKER.format(does)], tmp_path, seconds=0.5)
    assert worker.run(1)["failure"] == kind
    worker.close()


def test_the_limit_of_memory_holds(tmp_path: Path) -> None:
    greedy = f"import sys; sys.path.insert(0, {str(Path(seeded.__file__).parent)!r}); import seeded; "
    greedy += "seeded.check = lambda *_, **__: bytearray(3 << 30); seeded.work(1, None, 1)"
    worker = seeded.Worker([sys.executable, "-c", greedy], tmp_path)
    assert worker.run(1)["failure"] == "MemoryError"
    worker.close()
