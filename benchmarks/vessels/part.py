"""A part of the accuracy table: its rows, its bars, what was left out; and running its cases in several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from threadpoolctl import threadpool_limits

from petproc.workflow.display import bar

Case = TypeVar("Case")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Options:
    """`data` is the folder of what others measured, absent or not; `pictures` where overlays go, None: nowhere."""

    jobs: int
    data: Path
    pictures: Path | None
    seeds: tuple[int, ...]
    sizes: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """A bar: what was measured, as words, against what was asked for."""

    what: str
    found: str
    bar: str
    reached: bool


@dataclass(frozen=True)
class Table:
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        lines = [self.head, tuple("---" for _ in self.head), *self.rows]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


@dataclass(frozen=True)
class Part:
    title: str
    tables: tuple[Table, ...] = ()
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    """what was left out and why, where pictures lie"""


def at_least(what: str, value: float | None, limit: float, *, form: str = ".3f") -> Check:
    reached = value is not None and value >= limit
    return Check(what, "none" if value is None else format(value, form), f">= {limit:g}", reached)


def at_most(what: str, value: float | None, limit: float, *, form: str = ".2f") -> Check:
    reached = value is not None and value <= limit
    return Check(what, "none" if value is None else format(value, form), f"<= {limit:g}", reached)


def each(
    function: Callable[[Case], Result], cases: Iterable[Case], *, title: str, jobs: int, words: Callable[[Case], str]
) -> list[Result]:
    """`function` of every case, in their order, in `jobs` processes of one thread each, with a progress display."""
    todo = list(cases)
    context = multiprocessing.get_context("spawn")
    done: dict[int, Result] = {}
    with bar(title) as show, ProcessPoolExecutor(jobs, context, initializer=_one_thread) as pool:
        show(0, len(todo))
        running = {pool.submit(function, case): n for n, case in enumerate(todo)}
        for future in as_completed(running):
            n = running[future]
            done[n] = future.result()
            show(len(done), len(todo), f"{title}: {words(todo[n])}")
    return [done[n] for n in range(len(todo))]


def missing(title: str, names: Sequence[str]) -> Part:
    """A part whose data are not here: no bar is missed by that, and none is reached."""
    return Part(title, notes=tuple(f"Left out: {name} is not here." for name in names))


def _one_thread() -> None:
    threadpool_limits(1)
