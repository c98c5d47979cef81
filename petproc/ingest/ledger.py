"""Tables of a study that a person may edit: rows are appended below what is there, which stays as it is to the byte."""

from __future__ import annotations

import csv
import io
import os
import stat
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

EMPTY = "n/a"
PUBLIC, PRIVATE = 0o644, 0o600


def append_rows(path: Path, rows: Sequence[Any], kind: type[Any], *, private: bool = False) -> None:
    """Add `rows` of dataclass `kind` to a tab-separated table, in the order of columns that the table has.

    Columns that somebody added are left empty; without rows an existing table is not touched. A `private` table is its
    owner's alone, whatever rights it was given in between.
    """
    if private and path.exists():
        path.chmod(stat.S_IMODE(path.stat().st_mode) & PRIVATE)
    old = path.read_bytes().decode("utf-8") if path.exists() else ""
    if old and not rows:
        return
    ending = "\r\n" if "\r\n" in old else "\n"
    names = [field.name for field in fields(kind)]
    columns = next(csv.reader([old.lstrip("\ufeff").splitlines()[0]], delimiter="\t")) if old else names
    cells = [[getattr(row, name, None) for name in columns] for row in rows]
    gap = ending if old and not old.endswith(("\n", "\r")) else ""
    _replace(
        path,
        (old + gap + _text(cells if old else [names, *cells], ending)).encode("utf-8"),
        new=PRIVATE if private else PUBLIC,
    )


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A whole table in place of what is there, with the line endings that it has."""
    ending = "\r\n" if path.is_file() and b"\r\n" in path.read_bytes() else "\n"
    _replace(path, _text([columns, *rows], ending).encode("utf-8"))


def _text(rows: Iterable[Sequence[Any]], ending: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator=ending, quoting=csv.QUOTE_MINIMAL)
    writer.writerows([EMPTY if cell is None else str(cell) for cell in row] for row in rows)
    return text.getvalue()


def _replace(path: Path, content: bytes, *, new: int = PUBLIC) -> None:
    """Write a file whole or not at all; a new one gets the rights `new`, never wider ones for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else new
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
