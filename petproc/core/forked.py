"""Work shared by processes that are forks of this one: for work that is mostly Python's own, of which threads do one
thing at a time. What a fork works on it has already; only items and answers are handed over.

The answers come in the order of the items, so that they do not depend on the number of processes. A process that has
threads of its own at work must not be forked; jobs have none at that time.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_work: list[Callable[[Any], Any]] = []
"""Of a forked process: what it does with every item."""


def map_forked(work: Callable[[Item], Answer], items: Sequence[Item], processes: int) -> list[Answer]:
    """`work(item)` of every item; items and answers must be picklable, `work` need not."""
    return list(each_forked(work, items, processes))


def each_forked(work: Callable[[Item], Answer], items: Sequence[Item], processes: int) -> Iterator[Answer]:
    """The same answers one by one, so that whoever takes them need not keep them all."""
    if processes <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(work,)) as pool:
        yield from pool.map(_do, items, chunksize=max(1, min(8, len(items) // (4 * processes))))


def _begin(work: Callable[[Any], Any]) -> None:
    _work[:] = [work]


def _do(item: Any) -> Any:
    return _work[0](item)
