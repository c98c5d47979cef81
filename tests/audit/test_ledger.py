"""The ledger: every line follows from the one before, and whatever is done to it is seen."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petproc import layout
from petproc.audit.ledger import Event, Problem, append, problems, read
from petproc.core.errors import Refusal


def verdict(number: int = 1) -> Event:
    return Event(
        "verdict", "reader1", f"reason {number}", {"participant": "P001"}, before="needs_review", after="released"
    )


def ledger_of(study: Path) -> Path:
    return layout.path(layout.LEDGER, study)


def three_entries(study: Path) -> Path:
    for number in (1, 2, 3):
        append(study, verdict(number))
    return ledger_of(study)


def test_entries_are_read_back_in_order_with_number_time_in_utc_and_version(tmp_path: Path) -> None:
    three_entries(tmp_path)
    entries = read(tmp_path)
    assert [entry.entry for entry in entries] == [1, 2, 3]
    assert [entry.why for entry in entries] == ["reason 1", "reason 2", "reason 3"]
    assert all(entry.time.endswith("Z") and entry.petproc for entry in entries)


def test_each_line_holds_the_hash_of_itself_and_of_the_line_before(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in three_entries(tmp_path).read_text().splitlines()]
    assert [line["previous"] for line in lines] == ["0" * 64, lines[0]["digest"], lines[1]["digest"]]
    for line in lines:
        unsealed = json.dumps({**line, "digest": ""}, ensure_ascii=False).encode()
        assert line["digest"] == hashlib.sha256(unsealed).hexdigest()


def test_a_study_without_a_ledger_has_no_entries(tmp_path: Path) -> None:
    assert read(tmp_path) == ()
    assert problems(tmp_path) == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return three_entries(tmp_path_factory.mktemp("whole")).read_bytes()


@given(position=st.integers(min_value=0), value=st.integers(min_value=0, max_value=255))
def test_one_changed_byte_anywhere_is_found(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, position: int, value: int
) -> None:
    study = tmp_path_factory.mktemp("study")
    path = ledger_of(study)
    path.parent.mkdir()
    content = bytearray(whole)
    position %= len(content)
    if content[position] == value:
        value = (value + 1) % 256
    content[position] = value
    path.write_bytes(content)
    if position == len(content) - 1:
        # The end of the last line: it looks torn, and the next entry records it.
        append(study, verdict())
        assert "line-torn" in [entry.what for entry in read(study)]
    else:
        assert problems(study)
        with pytest.raises(Refusal, match="ledger-broken"):
            read(study)


def test_a_blank_put_into_the_last_line_is_found(tmp_path: Path) -> None:
    path = three_entries(tmp_path)
    *first, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(first) + last.replace(b'"entry": 3', b'"entry":  3'))
    assert problems(tmp_path) == [Problem(3, "It does not have the hash that it was written with.")]


def test_a_line_taken_out_of_the_middle_is_found(tmp_path: Path) -> None:
    path = three_entries(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    assert [problem.line for problem in problems(tmp_path)] == [2]


def test_a_broken_ledger_takes_no_further_entry(tmp_path: Path) -> None:
    path = three_entries(tmp_path)
    before = path.read_bytes().replace(b"reason 2", b"reason 9")
    path.write_bytes(before)
    with pytest.raises(Refusal, match="ledger-broken"):
        append(tmp_path, verdict())
    assert path.read_bytes() == before


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_line_that_a_crash_tore_stays_and_is_recorded_by_the_next_entry(tmp_path: Path, kept: int) -> None:
    path = three_entries(tmp_path)
    *first, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(first) + last[:kept])
    assert [entry.entry for entry in read(tmp_path)] == [1, 2]
    append(tmp_path, verdict(4))
    assert path.read_bytes().startswith(b"".join(first) + last[:kept] + b"\n")
    entries = read(tmp_path)
    assert [entry.what for entry in entries][-2:] == ["line-torn", "verdict"]
    assert entries[-2].before == last[:kept].decode().rstrip("\n")
    assert problems(tmp_path) == []


def write_ten(study: Path) -> None:
    for number in range(10):
        append(study, verdict(number))


def test_processes_that_write_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(write_ten, [tmp_path, tmp_path]))
    assert [entry.entry for entry in read(tmp_path)] == list(range(1, 21))
    assert problems(tmp_path) == []


def test_a_decision_without_a_reason_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="reason-missing"):
        append(tmp_path, Event("exclusion", "reader1", why="  "))
    assert not ledger_of(tmp_path).exists()


@pytest.mark.parametrize("name", ["", "two words", "<b>", "x" * 65])
def test_nobody_in_particular_decides_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal, match="who-missing"):
        append(tmp_path, Event("verdict", name, "a reason"))
