"""Rows of a long table, participant by participant, as they are read."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
WHOSE = attrgetter("participant")


class InTurn(Generic[Row]):
    """Rows sorted by participant, asked for in the same order; those of whom nobody asks are passed over."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._groups = groupby(rows, key=WHOSE)
        self._at: tuple[Any, list[Row]] | None = None
        self._forward()

    def of(self, participant: str) -> list[Row]:
        """A ValueError where the rows turn out not to be sorted: some of this participant could have been missed."""
        while self._at is not None and self._at[0] < participant:
            self._forward()
        return self._at[1] if self._at is not None and self._at[0] == participant else []

    def _forward(self) -> None:
        before = self._at
        group = next(self._groups, None)
        self._at = (group[0], list(group[1])) if group else None
        if before and self._at and self._at[0] <= before[0]:
            raise ValueError("rows are not sorted by participant")
