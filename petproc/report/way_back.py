"""The way back of every number of the index metric, participant by participant, as it stands on the page.

What comes in are explanations as plain values (`audit.explanation`), of which the page shows what fits: the command
that stands with each number gives the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Told = Mapping[str, Any]
HASH = 12


@dataclass(frozen=True)
class Number:
    """An explanation; `instances` are DICOM instances of the blood pool after the part that all have in common."""

    told: Told
    prefix: str
    instances: Sequence[str]
    planes: str
    verdicts: Sequence[str]
    made_with: str
    earlier: Sequence[str]
    changed: Sequence[str]
    command: str


def numbers(way_back: Sequence[Told]) -> list[tuple[str, list[Number]]]:
    """By participant, in the order given."""
    found: dict[str, list[Number]] = {}
    for told in way_back:
        found.setdefault(told["number"]["participant"], []).append(_number(told))
    return list(found.items())


def _number(told: Told) -> Number:
    planes = (told["background"] or {}).get("planes") or []
    images = list(dict.fromkeys(one["instance"] for one in planes))
    prefix = _common(images)
    at = [one["pet_k"] for one in planes]
    *before, now = told["history"] or [None]
    number = told["number"]
    names = " ".join(number[name] for name in ("participant", "session", "region", "metric"))
    return Number(
        told,
        prefix,
        [one.removeprefix(prefix) for one in images],
        f"{at[0]} to {at[-1]}" if at else "",
        [words for kind in told["decisions"] for words in map(_decided, told["decisions"][kind])],
        ", ".join(f"{name} {_short(name, value)}" for name, value in told["segmentation"]["made_with"].items()),
        [_earlier(one) for one in before],
        now["changed"] if now else (),
        f"petproc explain STUDY {names} --analysis {told['analysis']['name']}",
    )


def _common(images: Sequence[str]) -> str:
    """What several instances begin with, up to a dot: those of a series mostly differ at their end alone."""
    parts = [one.split(".")[:-1] for one in images]
    same = list(itertools.takewhile(lambda at: len(set(at)) == 1, zip(*parts, strict=False)))
    return "".join(f"{at[0]}." for at in same) if len(images) > 1 else ""


def _decided(one: Told) -> str:
    """A verdict, override or edit; who it was stands in the ledger."""
    what = one.get("judgement") or (f"lets {one['finding']} stand" if "finding" in one else "masks edited")
    code = f", {one['code']}" if one.get("code") else ""
    arc = f" {one['from_mm']:g} to {one['to_mm']:g} mm" if one.get("from_mm") is not None else ""
    return f"{what}{arc}{code} (ledger entry {one['entry']}): {one['why']}"


def _short(name: str, value: Any) -> str:
    return str(value)[:HASH] if "sha256" in name else str(value)


def _earlier(one: Told) -> str:
    """A value that the number had, with what had changed it."""
    value = one["status"] if one["value"] is None else f"{one['value']:.6g}"
    since = f" ({'; '.join(one['changed'])})" if one["changed"] else ""
    return f"{value} from {one['time'][:10]} on (ledger entry {one['entry']}){since}"
