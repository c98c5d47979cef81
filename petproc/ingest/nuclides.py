"""Positron emitters: half-lives in seconds and how DICOM names them.

Half-lives: 6586.2 s for F-18 as in `core.suv`; the others from DDEP/LNHB (Recommended Data, 2024), rounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from petproc.core.suv import F18_HALF_LIFE_S

HALF_LIFE_TOLERANCE = 0.005
"""RadionuclideHalfLife is taken where it agrees with the nuclide's half-life within this share."""


@dataclass(frozen=True)
class Nuclide:
    name: str
    """as PET-BIDS writes it: F18"""
    half_life_s: float
    element: str
    codes: tuple[str, ...]
    """values of RadionuclideCodeSequence: SNM3/SRT and SNOMED CT (PS3.16 CID 4020)"""

    def has_half_life(self, seconds: float) -> bool:
        return abs(seconds / self.half_life_s - 1) <= HALF_LIFE_TOLERANCE


NUCLIDES = (
    Nuclide("F18", F18_HALF_LIFE_S, "fluorine", ("C-111A1", "77004003")),
    Nuclide("C11", 1221.8, "carbon", ("C-105A1", "40565003")),
    Nuclide("N13", 597.9, "nitrogen", ("C-107A1", "21576001")),
    Nuclide("O15", 122.2, "oxygen", ("C-B1038", "129504001")),
    Nuclide("Cu64", 45724.0, "copper", ("C-127A2", "3932008")),
    Nuclide("Ga68", 4062.6, "gallium", ("C-131A3", "35337001")),
    Nuclide("Rb82", 75.5, "rubidium", ("C-159A2", "79197006")),
    Nuclide("Zr89", 282240.0, "zirconium", ("C-168A4", "63360001")),
)


def named(meaning: str | None, code: str | None) -> Nuclide | None:
    """The nuclide of a RadionuclideCodeSequence item; its words (`^18^Fluorine`, `18F`, `F-18`) outrank its code."""
    words = (meaning or "").lower()
    mass = re.search(r"\d+", words)
    symbols = re.findall(r"[a-z]+", words)
    for nuclide in NUCLIDES:
        symbol, number = re.fullmatch(r"([a-z]+)(\d+)", nuclide.name.lower()).groups()  # type: ignore[union-attr]
        if mass and mass[0] == number and (symbol in symbols or nuclide.element in symbols):
            return nuclide
    return next((nuclide for nuclide in NUCLIDES if code in nuclide.codes), None)


def with_half_life(seconds: float | None) -> Nuclide | None:
    return next((nuclide for nuclide in NUCLIDES if seconds and nuclide.has_half_life(seconds)), None)
