"""Participants of a long table, one after another: none is missed, and no more than one is kept."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from petproc.compare.turn import InTurn


def rows(*whose: str) -> list[SimpleNamespace]:
    return [SimpleNamespace(participant=name, number=n) for n, name in enumerate(whose)]


def test_each_participant_gets_its_own_rows_and_one_without_any_gets_none() -> None:
    turn = InTurn(rows("a", "a", "c"))
    assert [[row.number for row in turn.of(name)] for name in ("a", "b", "c", "d")] == [[0, 1], [], [2], []]


def test_rows_of_whom_nobody_asks_are_passed_over() -> None:
    turn = InTurn(rows("a", "b", "b", "c"))
    assert [row.number for row in turn.of("c")] == [3]


def test_rows_out_of_order_stop_it() -> None:
    turn = InTurn(rows("b", "a"))
    with pytest.raises(ValueError, match="not sorted"):
        turn.of("b"), turn.of("c")


def test_no_more_is_read_than_the_next_participant() -> None:
    read = []

    def coming() -> Iterator[SimpleNamespace]:
        for row in rows(*(f"{n:03}" for n in range(100))):
            read.append(row)
            yield row

    turn = InTurn(coming())
    turn.of("010")
    assert len(read) <= 13
