"""Differences and histories as people read them on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from petproc.audit.difference import Answer, Explained, Flip, Moved, SettingDiffers
from petproc.audit.history import Publication
from petproc.audit.ledger import Entry

WIDTH = 120
"""Columns where the output is no terminal."""
HASH = 12


def console() -> Console:
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)


def print_difference(
    a: Answer,
    b: Answer,
    settings: Sequence[SettingDiffers],
    moved: Mapping[str, Sequence[Moved]],
    flips: Sequence[Flip],
    shares: Sequence[Explained],
) -> None:
    out = console()
    for one in (a, b):
        if one.exploratory:
            out.print(f"[magenta]{escape(one.name)} is exploratory: {escape(one.exploratory)}[/]", soft_wrap=True)
    table = Table("setting", escape(a.name), escape(b.name), box=None)
    for differing in settings:
        table.add_row(differing.path, escape(str(differing.a)), escape(str(differing.b)))
    out.print(table if settings else "The settings are the same.")
    for words, rows in moved.items():
        table = Table(words, "both", "moved", "median difference", "largest", "at", "only A", "only B", box=None)
        for row in rows:
            numbers = (f"{row.median_difference:+.4g}", f"{row.largest_difference:+.4g}")
            table.add_row(
                *(row.region, str(row.n_both), str(row.n_moved), *numbers, escape(row.largest_at)),
                *(str(len(only)) for only in (row.only_a, row.only_b)),
            )
        out.print(table if rows else f"{words}: nothing moved.")
    for flip in flips:
        out.print(f"[yellow]{escape(flip.participant)}[/]: {flip.what} {escape(flip.a)} → {escape(flip.b)}")
    if not flips:
        out.print("No index vessel and no direction of a change is another.")
    for share in shares:
        out.print(f"{share.path} alone explains {share.share:.0%} of the difference")


def print_history(entries: Sequence[Entry], published: Sequence[Publication]) -> None:
    out = console()
    table = Table("entry", "when (UTC)", "who", "what", "of", "why or what it left", box=None)
    by_entry: dict[int, list[Publication]] = {}
    for one in published:
        by_entry.setdefault(one.entry, []).append(one)
    for entry in entries:
        left = [
            f"{one.path.removeprefix('results/analyses/')} {one.digest[:HASH]}" for one in by_entry.get(entry.entry, [])
        ]
        subject = " ".join(entry.subject.values())
        table.add_row(
            str(entry.entry),
            entry.time,
            escape(entry.who),
            entry.what,
            escape(subject),
            escape(entry.why or "\n".join(left)),
        )
    out.print(table if entries else "Nothing has been run or decided yet.")
