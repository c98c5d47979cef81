"""The derivation card of a PET for people: what was read, what was made of it, and the SUV factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from petproc.core.suv import VARIANTS

DIGITS = 6
TITLE = {"units": "Units", "suv_type": "SUVType", "decay_correction": "DecayCorrection"}
WIDTH = 120
"""Columns where the output is no terminal."""


def print_card(card: Mapping[str, Any]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(Group(_verdict(card), *_factors(card), *_candidates(card), *_tags(card), *_findings(card)))


def _verdict(card: Mapping[str, Any]) -> RenderableType:
    good = card["status"] == "ok"
    lines = ["[bold]SUV by body weight is known.[/]" if good else f"[bold]No SUV: {escape(card['code'])}[/]"]
    if not good:
        lines += [escape(card["reason"]), f"[italic]{escape(card['remedy'])}[/]"]
    lines.append(
        {
            "ok": "The values become activity in Bq/mL.",
            "carried": f"The values are carried as the SUV that was delivered, in {card['unit']}.",
            "refused": "The values cannot be measured.",
        }[card["activity"]]
    )
    if card["rule"]:
        lines.append(f"Valid at {escape(card['reference_time'] or 'the injection')}: {escape(card['rule'])}.")
    told = [f"{name} {escape(card[key])}" for key, name in TITLE.items() if card[key]]
    return Panel("\n".join(lines), title=", ".join(told) or None, border_style="green" if good else "red")


def _factors(card: Mapping[str, Any]) -> list[RenderableType]:
    if card["activity"] == "refused":
        return []
    table = _table("SUV per rescaled pixel value", "variant", "factor", "unit")
    for name, of in VARIANTS.items():
        factor = card["suv_factor"][name]
        reason = card["suv_factor_reason"].get(name, "")
        table.add_row(f"{name} [dim]{of.words}[/]", _number(factor) if factor is not None else escape(reason), of.unit)
    return [table]


def _number(factor: float | list[float]) -> str:
    if isinstance(factor, list):
        return f"{min(factor):.{DIGITS}g} to {max(factor):.{DIGITS}g}, by slice"
    return f"{factor:.{DIGITS}g}"


def _candidates(card: Mapping[str, Any]) -> list[RenderableType]:
    told = [*card["candidates"], *card["derivations"]]
    if not told:
        return []
    table = _table("Possible derivations", "source", "reference time", "possible", "SUV by body weight", "note")
    for one in told:
        possible = {True: "yes", False: "no"}.get(one.get("admissible", True), "")
        factor = "" if one["suv_bw"] is None else _number(one["suv_bw"])
        table.add_row(one["source"], one.get("time", ""), possible, factor, escape(one.get("note", "")))
    return [table]


def _tags(card: Mapping[str, Any]) -> list[RenderableType]:
    if not card["tags"]:
        return []
    table = _table("Tags, from the lowest to the highest slice", "tag", "keyword", "value")
    for one in card["tags"]:
        value = "[dim]absent[/]" if one["value"] is None else escape(one["value"])
        if "last" in one:
            value += f" ... {escape(one['last'] or 'absent')} ({one['different']} different)"
        table.add_row(one["tag"], one["keyword"], value)
    return [table]


def _findings(card: Mapping[str, Any]) -> list[RenderableType]:
    if not card["findings"]:
        return []
    table = _table("Findings", "code", "what was seen")
    for one in card["findings"]:
        colour = "yellow" if one["severity"] == "warning" else "dim"
        table.add_row(f"[{colour}]{one['code']}[/]", escape(one["message"]))
    return [table]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, header_style="dim", overflow="fold")
    return table
