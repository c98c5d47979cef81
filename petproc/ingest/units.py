"""What the rescaled pixel values of a PET are: activity, or an SUV of some kind, and by which factor.

* BQML: activity.
* GML: SUV in g/mL by SUVType (0054,1006); where that is absent, by body weight (PS3.3 C.8.9.1.1.3).
* CM2ML: SUV by body surface.
* CNTS: counts that a private factor of Philips turns into SUV by body weight, (7053,xx00), or into Bq/mL, (7053,xx09).
  A factor of 0 says "cannot be converted".
* Anything else is neither activity nor uptake.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from petproc.core.errors import Finding, Refusal
from petproc.dicom.header import Header

SUV_TYPES = {
    "BW": "bw",
    "LBM": "lbm_sugawara",
    "LBMJAMES128": "lbm_james",
    "LBMJANMA": "lbm_janmahasatian",
    "IBW": "ibw",
}
"""SUVType under GML -> name in `core.suv.VARIANTS`."""
PHILIPS_CREATOR, PHILIPS_GROUP = "Philips PET Private Group", 0x7053
PHILIPS_SUV, PHILIPS_ACTIVITY = 0x00, 0x09
FACTOR = (1e-9, 1e9)
"""A factor of Philips outside is not believed."""

_CODE = re.compile(r"[A-Z0-9_][A-Z0-9_ ]{0,15}")
_REMEDY = "Ask the site for the series in Bq/mL."


@dataclass(frozen=True)
class Pixels:
    """What the rescaled pixel values of a series are."""

    suv_type: str | None
    """name in `core.suv.VARIANTS`; None: activity"""
    factor: tuple[float, ...]
    """Bq/mL, or SUV, per rescaled pixel value of slice k"""
    activity_factor: tuple[float, ...] | None = None
    """Bq/mL per rescaled pixel value where the headers tell it beside a factor to SUV"""
    findings: tuple[Finding, ...] = ()


def quoted(text: str | None) -> str:
    """A coded value (VR CS) as it may stand in a message: other text may be anything, a name too."""
    if not text:
        return "missing"
    return text if _CODE.fullmatch(text) else "no valid code"


def read_pixels(headers: Sequence[Header]) -> Pixels:
    """A `Refusal` where the values are neither activity nor an uptake that is understood."""
    first, ones = headers[0], (1.0,) * len(headers)
    units = first.text("Units")
    if units == "BQML":
        return Pixels(None, ones)
    if units == "GML":
        return _grams(first, ones)
    if units == "CM2ML":
        if (kind := first.text("SUVType")) not in (None, "BSA"):
            raise _contradicted("CM2ML", kind)
        return Pixels("bsa", ones)
    if units == "CNTS":
        return _counts(headers)
    raise Refusal(
        "units-not-supported",
        f"Units (0054,1001) of the PET are {quoted(units)}: its values are neither activity nor SUV.",
        _REMEDY,
    )


def _grams(first: Header, ones: tuple[float, ...]) -> Pixels:
    kind = first.text("SUVType")
    if kind is None:
        words = "Units (0054,1001) are GML and SUVType (0054,1006) is absent: SUV by body weight, as the standard says."
        return Pixels("bw", ones, None, (Finding("suv-type-absent", words, "info"),))
    if kind == "BSA":
        raise _contradicted("GML", kind)
    if kind not in SUV_TYPES:
        raise Refusal(
            "suv-type-not-supported",
            f"SUVType (0054,1006) of the PET is {quoted(kind)}, which is not defined: its values are of no known kind.",
            _REMEDY,
        )
    return Pixels(SUV_TYPES[kind], ones)


def _contradicted(units: str, kind: str | None) -> Refusal:
    return Refusal(
        "suv-type-contradicted",
        f"Units (0054,1001) of the PET are {units}, but SUVType (0054,1006) is {quoted(kind)}, which has another unit.",
        _REMEDY,
    )


def _counts(headers: Sequence[Header]) -> Pixels:
    to_suv, to_activity = (_factors(headers, element) for element in (PHILIPS_SUV, PHILIPS_ACTIVITY))
    if to_suv:
        return Pixels("bw", to_suv, to_activity)
    if to_activity:
        return Pixels(None, to_activity)
    raise Refusal(
        "units-not-supported",
        "Units (0054,1001) of the PET are CNTS, and not every slice has a Philips factor above 0: to SUV (7053,xx00) "
        "or to Bq/mL (7053,xx09). Counts cannot be turned into activity.",
        _REMEDY,
    )


def _factors(headers: Sequence[Header], element: int) -> tuple[float, ...] | None:
    """The factor of every slice; None unless all have one."""
    factors = tuple(_factor(header, element) for header in headers)
    return None if None in factors else factors  # type: ignore[return-value]


def _factor(header: Header, element: int) -> float | None:
    try:
        factor = float(philips_text(header, element) or 0)
    except ValueError:
        return None
    return factor if FACTOR[0] <= factor <= FACTOR[1] else None


def philips_text(header: Header, element: int) -> str | None:
    """The private element of Philips, also where a header has lost the element that reserves its block."""
    text = header.private(PHILIPS_GROUP, PHILIPS_CREATOR, element)
    if text is None and (header.text("Manufacturer") or "").upper().startswith("PHILIPS"):
        text = header.orphan(PHILIPS_GROUP, element)
    return text
