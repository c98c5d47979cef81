"""The explanation of a number as people read it on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from petproc.workflow.said import console

SLICES = 12
"""Slices listed of a vessel; of more, those around the hottest."""
Told = Mapping[str, Any]
FRAGILE = {
    "yes": "is [yellow]fragile[/]: less than the wider interval of both visits",
    "no": "is as much as the wider interval of both visits, or more",
    "unknown": "may be fragile: the interval of a visit is not known",
}


def print_explanation(told: Told) -> None:
    """All of `audit.explanation`, but for what only fits a file: voxels one by one, every setting, every tag."""
    out = console()
    number = told["number"]
    place = f"{number['participant']} {number['session']}, {number['region']}, {number['metric']}"
    out.print(f"[bold]{escape(place)}[/] = [bold]{escape(_value(number))}[/]")
    if why := told["analysis"]["exploratory"]:
        _line(out, f"[magenta]Analysis {escape(told['analysis']['name'])} is exploratory: {escape(why)}[/]")
    if number["reason"]:
        _line(out, f"[yellow]{escape(number['reason'])}[/]")
    _print_formula(out, told)
    _print_fragility(out, told["fragility"])
    _print_slices(out, told)
    _print_places(out, told)
    for n, words in enumerate(told["suv"]["words"]):
        _line(out, escape(f"{'' if n else 'SUV card: '}{words}"), indent=bool(n))
    _print_segmentation(out, told["segmentation"])
    _print_settings(out, told["settings"])
    _print_decisions(out, told["decisions"])
    _print_history(out, told["history"])


def _print_formula(out: Console, told: Told) -> None:
    formula, blood = told["formula"], told["background"]
    if told["number"]["status"] != "excluded":
        out.print(f"Formula: {escape(formula['words'])}")
    if formula["arithmetic"]:
        agrees = "comes out again" if formula["agrees"] else f"[red]does not come out: {formula['again']}[/]"
        _line(out, f"{escape(formula['arithmetic'])}  ({agrees})", indent=True)
    if formula["arithmetic"] and blood and blood["suv"] is not None:
        _line(out, f"BP = {blood['suv']:.6g}, the SUV of the blood pool; TBR of a slice = its SUV / BP", indent=True)


def _print_fragility(out: Console, fragility: Told | None) -> None:
    if fragility is None:
        return
    if fragility["width"] is None:
        least = "" if fragility["at_least"] is None else f", an interval of at least {fragility['at_least']:.6g}"
        _line(out, escape(f"How firm: not known{least}; {fragility['reason']}"))
    else:
        low, high = (f"{fragility[end]:.6g} ({fragility[f'{end}_at']})" for end in ("low", "high"))
        _line(out, escape(f"How firm: from {low} to {high}"))
    if fragility["change"] is not None:
        _line(out, f"its change of {fragility['change']:+.6g} {FRAGILE[fragility['fragile']]}", indent=True)


def _print_slices(out: Console, told: Told) -> None:
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
        _line(out, f"{len(slices)} slices in all; --json lists every one", indent=True)


def _print_places(out: Console, told: Told) -> None:
    if hot := told["hottest"]:
        dicom = hot["dicom"]
        frame = "" if dicom["frame"] is None else f", frame {dicom['frame']}"
        _line(
            out,
            f"Hottest voxel: {_list(hot['mm'] or ['unknown'])} mm (RAS+), PET index {_list(hot['pet_index'])}, "
            f"DICOM instance {dicom['instance']}{frame}, column {dicom['column']}, row {dicom['row']} (from 0)",
        )
    if blood := told["background"]:
        suv = "unknown" if blood["suv"] is None else f"{blood['suv']:.6g}"
        _line(out, f"Blood pool: {blood['region']}{_of_blood(blood)}, SUV {suv}")
        if blood["n_voxel"]:
            listed = "every voxel and " if blood["voxels"] is not None else ""
            planes = [one["pet_k"] for one in blood["planes"]]
            within = f"{len(planes)} PET planes from {planes[0]} to {planes[-1]}"
            mean = f"mean {blood['activity_bq_ml']:.6g} Bq/mL"
            words = f"{blood['n_voxel']} voxels in {within}, {mean}; --json lists {listed}the DICOM image of each plane"
            _line(out, words, indent=True)
            if blood["voxels"] is None:
                _line(out, "its voxels cannot be listed: tables or decisions are others than in that run", indent=True)


def _of_blood(blood: Told) -> str:
    return f" (segmented by {blood['backend']})" if blood["backend"] else ""


def _print_segmentation(out: Console, made: Told) -> None:
    judged = made["judged"] or {}
    why = f" ({judged['reason']})" if judged.get("reason") else ""
    status = f"{judged.get('status', 'not judged')}{why}"
    versions = f"petproc {made['petproc']}, results version {made['version']}"
    _line(out, escape(f"Segmentation: {made['backend'] or 'none'}, {versions}; {status}"))
    for name, value in made["made_with"].items():
        _line(out, escape(f"{name}: {value}"), indent=True)
    if mask := made["mask"]:
        _line(
            out,
            escape(f"mask {mask['file']}, SHA-256 {mask.get('sha256') or 'unknown: the file is not there'}"),
            indent=True,
        )


def _print_settings(out: Console, settings: Told) -> None:
    _line(out, f"Settings: {settings['hash']} (--json lists all)")
    for path, value in settings["not_default"].items():
        _line(out, escape(f"{path}: {value}"), indent=True)


def _print_decisions(out: Console, decisions: Told) -> None:
    for kind, entries in decisions.items():
        for one in entries:
            what = " ".join(str(one[name]) for name in ("judgement", "code", "finding", "mask") if one.get(name))
            if one.get("from_mm") is not None:
                what += f" {one['from_mm']:g} to {one['to_mm']:g} mm"
            by = f"by {one['who']}, entry {one['entry']}"
            _line(out, escape(f"{kind.removesuffix('s').capitalize()}: {what or 'left out'}, {by}: {one['why']}"))
    if not any(decisions.values()):
        out.print("Verdicts and edits: none about this place")


def _print_history(out: Console, history: Sequence[Told]) -> None:
    for one in history:
        was = one["status"] if one["value"] is None else f"{one['value']:.6g}"
        _line(out, escape(f"Since entry {one['entry']}, {one['time']}, {one['who']}: {was}"))
        for changed in one["changed"]:
            _line(out, escape(changed), indent=True)


def _line(out: Console, words: str, *, indent: bool = False) -> None:
    """A line that is not broken: what it holds is to be copied."""
    out.print(f"  {words}" if indent else words, soft_wrap=True, highlight=False)


def _value(number: Told) -> str:
    if number["value"] is None:
        return str(number["status"])
    return f"{number['value']:.6g} {number['unit'] if number['unit'] != '1' else ''}".strip()


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _list(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))
