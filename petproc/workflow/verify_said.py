"""A verification as people read it: a short table, every deviation named, what was not recomputed and why."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.markup import escape
from rich.table import Table

from petproc.audit.manifest import Deviation
from petproc.audit.recomputation import Number
from petproc.workflow.said import HASH, console
from petproc.workflow.verify import Verification

NUMBERS = "numbers: recomputed from the DICOM"


def print_verification(found: Verification) -> None:
    out = console()
    table = Table("what", "checked", "deviate", box=None)
    for one in found.checks:
        table.add_row(escape(one.what), str(one.count), _count(one.count, len(one.deviations)))
    if found.numbers:
        counted = found.counted
        recomputed = counted["ok"] + counted["deviates"]
        table.add_row(NUMBERS, str(recomputed), _count(recomputed, counted["deviates"]))
    out.print(table)
    for one in found.checks:
        for deviation in one.deviations:
            out.print(f"[red]{escape(in_words(deviation))}[/]")
    for number in found.numbers:
        if number.verdict == "deviates":
            out.print(f"[red]{escape(number_in_words(number))}[/]")
    _print_left_out(out, found)
    for note in dict.fromkeys(note for one in found.checks for note in one.notes):
        out.print(f"[yellow]Note: {escape(note)}[/]")
    out.print("Everything that was checked follows." if found.holds else "[bold red]Not everything follows.[/]")


def in_words(deviation: Deviation) -> str:
    words = f"{deviation.where}: {deviation.why}"
    if deviation.expected and deviation.found:
        return f"{words} (expected {deviation.expected[:HASH]}, found {deviation.found[:HASH]})"
    return f"{words} (expected {deviation.expected[:HASH]})" if deviation.expected else words


def number_in_words(number: Number) -> str:
    row = number.row
    again = "nothing" if number.again is None else repr(number.again)
    place = f"{number.analysis}: {row.participant} {row.session} {row.region} {row.metric}"
    return f"{place}: expected {row.value!r}, recomputed {again}" + (f" ({number.why})" if number.why else "")


def as_json(found: Verification) -> dict[str, Any]:
    """Plain JSON types."""
    return {
        "holds": found.holds,
        "checks": [
            {
                "what": one.what,
                "checked": one.count,
                "deviations": [vars(deviation) for deviation in one.deviations],
                "notes": one.notes,
            }
            for one in found.checks
        ],
        "numbers": [
            {
                "analysis": one.analysis,
                **{name: getattr(one.row, name) for name in ("participant", "session", "region", "metric", "value")},
                "verdict": one.verdict,
                "again": one.again,
                "why": one.why,
            }
            for one in found.numbers
        ],
    }


def _count(checked: int, deviate: int) -> str:
    if deviate:
        return f"[red]{deviate}[/]"
    return "none" if checked else "not checked"


def _print_left_out(out: Any, found: Verification) -> None:
    """Numbers that were not recomputed, by reason, and rows that hold none."""
    left = [one for one in found.numbers if one.verdict == "not recomputed"]
    for why, count in Counter(one.why for one in left).items():
        metrics = ", ".join(dict.fromkeys(one.row.metric for one in left if one.why == why))
        out.print(f"Not recomputed: {count} ({escape(metrics)}): {escape(why)}")
    if found.counted["no number"]:
        out.print(f"{found.counted['no number']} rows hold no number (refused or excluded).")
