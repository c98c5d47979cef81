"""JSON, and tables as tab-separated text; rows come and go one by one where there are many."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import operator
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TextIO, TypeVar

from petproc.core.broken import missing, of_results, shown, unreadable
from petproc.core.cells import cell, reader
from petproc.core.errors import Refusal

Row = TypeVar("Row")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote; refused where it is not there (`result-missing`) or not whole (`result-unreadable`)."""
    try:
        return json_of_text(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise missing(path) from None
    except UnicodeDecodeError:
        raise unreadable(path) from None


def json_of_text(text: str, path: Path) -> dict[str, Any]:
    """The text of the file at `path`."""
    try:
        content = json.loads(text)
    except ValueError:
        raise unreadable(path) from None
    if not isinstance(content, dict):
        raise unreadable(path)
    return content


def write_rows(path: Path, rows: Iterable[Any], kind: type[Any]) -> None:
    """Rows of dataclass `kind` as tab-separated text; a table without rows still has its header."""
    with rows_into(path, kind) as add:
        add(rows)


@contextlib.contextmanager
def rows_into(path: Path, kind: type[Any]) -> Iterator[Callable[[Iterable[Any]], None]]:
    """A function that adds rows of dataclass `kind` to a new table, of which no more are in memory than are given."""
    names = [field.name for field in fields(kind)]
    cells = operator.attrgetter(*names)  # of one name alone it gives the value itself, no tuple
    with _table(path, names) as write:
        yield lambda rows: write((cells(row),) if len(names) == 1 else cells(row) for row in rows)


def write_cells(path: Path, names: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Tab-separated text with `names` as its header; nothing known is `n/a`."""
    with _table(path, names) as write:
        write(rows)


@contextlib.contextmanager
def _table(path: Path, names: Sequence[str]) -> Iterator[Callable[[Iterable[Iterable[Any]]], None]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        writer.writerow(names)
        yield lambda rows: writer.writerows([cell(value) for value in row] for row in rows)


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Rows of a table written by `write_rows` or by a person; columns may stand in another order, none may lack."""
    return list(each_row(path, kind))


def each_row(path: Path, kind: type[Row]) -> Iterator[Row]:
    """The same rows one by one, as they are asked for."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from _rows(stream, kind, shown(path))
    except UnicodeDecodeError:
        raise Refusal(
            "table-encoding", f"{shown(path)} is not UTF-8 text.", "Save it as tab-separated UTF-8."
        ) from None
    except Refusal as refusal:
        raise of_results(refusal, path) from None


def rows_of_file(text: str, kind: type[Row], path: Path) -> list[Row]:
    """Rows of the text of the file at `path`."""
    try:
        return rows_of_text(text, kind, shown(path))
    except Refusal as refusal:
        raise of_results(refusal, path) from None


def rows_of_text(text: str, kind: type[Row], name: str) -> list[Row]:
    """Rows of the text of a table that messages call `name`."""
    with io.StringIO(text, newline="") as stream:
        return list(_rows(stream, kind, name))


def _rows(stream: TextIO, kind: type[Row], name: str) -> Iterator[Row]:
    readers = {column: reader(hint) for column, hint in typing.get_type_hints(kind).items()}
    table = csv.reader(stream, delimiter="\t")
    names = next(table, [])
    header, width = {column: place for place, column in enumerate(names)}, len(names)
    if lacking := set(readers) - set(header):
        raise Refusal(
            "table-columns",
            f"{name} lacks the column {', '.join(sorted(lacking))}.",
            "Restore it; tables are tab-separated with one header line.",
        )
    cells = [(read, header[column]) for column, read in readers.items()]
    for number, line in enumerate(filter(None, table), start=2):
        try:
            if len(line) != width:
                raise ValueError("too many cells, or too few")
            row = kind(*[read(line[place]) for read, place in cells])
        except (KeyError, TypeError, ValueError):
            raise Refusal(
                "table-row", f"{name}, line {number}, cannot be read.", "Correct or remove the line."
            ) from None
        yield row
