"""How names and numbers are written on the page."""

from __future__ import annotations

import re

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
_ACRONYMS = {"tbr": "TBR", "suv": "SUV", "csuv": "cSUV", "cov": "COV", "pet": "PET", "ct": "CT", "mm": "mm", "ml": "mL"}


def words(name: str) -> str:
    """`mean_tbr_max` as "mean TBR max", `ascending_aorta` as "ascending aorta"."""
    return " ".join(_ACRONYMS.get(part, part) for part in name.split("_"))


def sentence(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def number(value: float | None, digits: int = 2) -> str:
    if value is None:
        return NOTHING
    text = f"{value:.{digits}f}"
    return text.replace("-", MINUS) if float(text) else f"{0:.{digits}f}"


def signed(value: float | None, digits: int = 2) -> str:
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 and float(text) else text


def percent(value: float | None, digits: int = 1) -> str:
    return NOTHING if value is None else f"{signed(value, digits)} %"


def coded(reason: str | None) -> tuple[str, str]:
    """A reason as its code and its words; a reason without a code has an empty one."""
    found = re.fullmatch(r"([a-z][a-z0-9-]*): (.*)", reason or "", flags=re.DOTALL)
    return (found[1], found[2]) if found else ("", reason or "")
