"""The page of a multiverse: its figure, what the combinations say together, and their table."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

from petproc.multiverse.specification import Specification
from petproc.multiverse.summary import EXPLORATORY, Outcome

STYLE = (
    "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}"
    "img{max-width:100%}table{border-collapse:collapse;font-size:13px}"
    "td,th{padding:.15em .7em;text-align:left;border-bottom:1px solid #ddd}"
    ".warning{border-left:4px solid #b5432a;padding-left:.8em}"
)


def page(
    name: str,
    specifications: Sequence[Specification],
    found: Sequence[Outcome],
    said: Mapping[str, Any],
    figure: bytes,
) -> str:
    """HTML that needs nothing else."""
    picture = base64.b64encode(figure).decode("ascii")
    sentences = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in in_words(said))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(name)}</title><style>{STYLE}</style>"
        f"<h1>Multiverse {html.escape(name)}</h1><p class=warning>{html.escape(EXPLORATORY)}</p>{sentences}"
        f'<img alt="Specification curve" src="data:image/png;base64,{picture}">'
        f"{_table(specifications, found)}</html>\n"
    )


def in_words(said: Mapping[str, Any]) -> list[str]:
    """The summary in sentences."""
    unit = "" if said["unit"] == "1" else f" {said['unit']}"
    without = said["combinations"] - said["with_result"]
    if not said["with_result"]:
        return [f"None of the {said['combinations']} combinations has a result."]
    direction = max(said["direction"], key=lambda name: said["direction"][name])
    words = {"fall": "a fall", "rise": "a rise", "none": "no change"}[direction]
    sentences = [
        f"{said['agree']} of {said['with_result']} combinations show {words} of the index vessel, from "
        f"{said['lowest']:.3g} to {said['highest']:.3g}{unit} (median {said['median']:.3g}{unit})."
    ]
    if without:
        have = "combination has" if without == 1 else "combinations have"
        sentences.append(f"{without} {have} no result: nobody is measured.")
    if said["moves_most"]:
        most = said["settings"][0]
        a, b = most["between"]
        sentences.append(
            f"What moves it most is {most['setting']}: between {a} and {b} the result differs by "
            f"{most['mean_absolute_difference']:.3g}{unit} on average, other settings held equal."
        )
    return sentences


def _table(specifications: Sequence[Specification], found: Sequence[Outcome]) -> str:
    paths = list(specifications[0].values)
    head = ["", *paths, "measured", "mean change", "SD", "mean change, %", "SD"]
    rows = [
        [
            str(one.number),
            *(str(one.values[path]) for path in paths),
            f"{row.n_measured} of {row.n_participant}",
            *map(_number, (row.mean_change, row.sd_change, row.mean_percent_change, row.sd_percent_change)),
        ]
        for one, row in zip(specifications, found, strict=True)
    ]
    return f"<table>{_line(head, 'th')}{''.join(_line(row, 'td') for row in rows)}</table>"


def _line(cells: Sequence[str], kind: str) -> str:
    return f"<tr>{''.join(f'<{kind}>{html.escape(cell)}</{kind}>' for cell in cells)}</tr>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
