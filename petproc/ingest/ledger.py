"""Tables that only grow: rows are appended below what is there, which stays as it is to the byte."""

from __future__ import annotations

import csv
import io
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

EMPTY = "n/a"


def append_rows(path: Path, rows: Sequence[Any], kind: type[Any], *, mode: int = 0o644) -> None:
    """Add `rows` of dataclass `kind` to a tab-separated table, in the order of columns that the table has.

    Columns that somebody added are left empty; without rows an existing table is not touched.
    """
    names = [field.name for field in fields(kind)]
    old = path.read_bytes().decode("utf-8") if path.exists() else ""
    if old and not rows:
        return
    ending = "\r\n" if "\r\n" in old else "\n"
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator=ending, quoting=csv.QUOTE_MINIMAL)
    if old:
        columns = next(csv.reader([old.lstrip("\ufeff").splitlines()[0]], delimiter="\t"))
    else:
        columns = names
        writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(getattr(row, name, None)) for name in columns])
    gap = ending if old and not old.endswith(("\n", "\r")) else ""
    replace(path, (old + gap + text.getvalue()).encode("utf-8"), mode=mode)


def _cell(value: Any) -> str:
    return EMPTY if value is None else str(value)


def replace(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all; a new one gets the rights `mode`, never wider ones for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else mode
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
