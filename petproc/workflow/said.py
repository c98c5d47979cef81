"""Explanations, differences and histories as people read them on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from petproc.audit.difference import Answer, Explained, Flip, Moved, SettingDiffers
from petproc.audit.history import Publication
from petproc.audit.ledger import Entry

WIDTH = 120
"""Columns where the output is no terminal."""
SLICES = 12
"""Slices listed of a vessel; of more, those around the hottest."""
HASH = 12


def console() -> Console:
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)


def print_explanation(told: dict[str, Any]) -> None:
    out = console()
    number, formula = told["number"], told["formula"]
    value = f"{number['value']:.6g} {number['unit']}" if number["value"] is not None else number["status"]
    place = f"{number['participant']} {number['session']}, {number['region']}, {number['metric']}"
    out.print(f"[bold]{escape(place)}[/] = [bold]{escape(value)}[/]")
    if why := told["analysis"]["exploratory"]:
        out.print(
            f"[magenta]Analysis {escape(told['analysis']['name'])} is exploratory: {escape(why)}[/]", soft_wrap=True
        )
    if number["reason"]:
        out.print(f"[yellow]{escape(number['reason'])}[/]")
    out.print(f"Formula: {escape(formula['words'])}")
    if formula["arithmetic"]:
        agrees = "comes out again" if formula["agrees"] else f"[red]does not come out: {formula['again']}[/]"
        out.print(f"  {escape(formula['arithmetic'])}  ({agrees})")
    _print_slices(out, told)
    _print_places(out, told)
    _print_made(out, told)
    for one in told["history"]:
        was = one["status"] if one["value"] is None else f"{one['value']:.6g}"
        why = f" ({'; '.join(one['changed'])})" if one["changed"] else ""
        out.print(f"Since entry {one['entry']}, {one['time']}, {escape(one['who'])}: {was}{escape(why)}")


def _print_slices(out: Console, told: dict[str, Any]) -> None:
    slices, hottest = told["slices"], told["hottest"]
    if not slices:
        return
    middle = next((n for n, one in enumerate(slices) if hottest and one["slice"] == hottest["slice"]), 0)
    first = max(0, min(middle - SLICES // 2, len(slices) - SLICES))
    table = Table("slice", "PET plane", "arc mm", "voxels", "SUVmax", "TBRmax", "counts", box=None)
    for one in slices[first : first + SLICES]:
        table.add_row(
            *(_cell(one[name]) for name in ("slice", "pet_k", "arc_mm", "n_voxel", "suv_max", "tbr_max")),
            "yes" if one["counts"] else escape(one["reason"] or "no"),
        )
    out.print(table)
    if len(slices) > SLICES:
        out.print(f"  {len(slices)} slices in all; --json lists every one")


def _print_places(out: Console, told: dict[str, Any]) -> None:
    if hot := told["hottest"]:
        dicom = hot["dicom"]
        out.print(
            f"Hottest voxel: {_list(hot['mm'])} mm (RAS+), PET index {_list(hot['pet_index'])}, DICOM instance "
            f"{dicom['instance']}, column {dicom['column']}, row {dicom['row']} (from 0)",
            soft_wrap=True,
        )
    if blood := told["background"]:
        suv = "unknown" if blood["suv"] is None else f"{blood['suv']:.6g}"
        out.print(f"Blood pool: {blood['region']}, SUV {suv}, {blood['n_voxel']} voxels (--json lists them)")


def _print_made(out: Console, told: dict[str, Any]) -> None:
    card, made, settings = told["suv"]["card"] or {}, told["segmentation"], told["settings"]
    if card:
        out.print(f"SUV: {card.get('status')}, {escape(str(card.get('rule') or card.get('reason') or ''))}")
    for one in told["suv"]["inputs"]:
        if one["source"] == "worksheet":
            out.print(f"  {one['quantity']} = {escape(str(one['value']))} {one['unit']} from the worksheet")
    judged = made["judged"] or {}
    out.print(f"Segmentation: {made['backend']}, petproc {made['petproc']}, {judged.get('status', 'not judged')}")
    out.print(f"Settings: {settings['hash'][:HASH]}")
    for kind, entries in told["decisions"].items():
        for one in entries:
            out.print(f"Decision ({kind}) by {escape(one['who'])}, entry {one['entry']}: {escape(one['why'])}")


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


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _list(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))
