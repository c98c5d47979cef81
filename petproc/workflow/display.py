"""A bar for a long step that is no workflow: on a terminal only, elsewhere a line when it is done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextlib.contextmanager
def bar(title: str) -> Iterator[Callable[..., None]]:
    """Gives `show(done, total, words="")`."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, TextColumn("{task.fields[words]}"), console=console, disable=not console.is_terminal
    ) as all_:
        task = all_.add_task(title, total=None, words="")

        def show(done: int, total: int, words: str = "") -> None:
            all_.update(task, completed=done, total=total, words=words)
            if words and not console.is_terminal:
                console.print(f"{words} ({done} of {total})", soft_wrap=True)

        yield show
