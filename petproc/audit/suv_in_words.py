"""The SUV card of a scan in a few lines, with the factor that was used and, by body weight, its arithmetic.

SUVbw = activity x body weight in g / dose in Bq, decayed from injection to the time at which the activity is valid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from petproc.core.tables import InputRow

QUANTITIES = {
    "weight_kg": "weight",
    "height_m": "height",
    "sex": "sex",
    "injected_activity_bq": "dose",
    "injection_time": "injected",
    "glucose_mmol_l": "glucose",
}
"""Those that are told, in this order."""
SAME = 1e-6
TIMES, MINUS = "\N{MULTIPLICATION SIGN}", "\N{MINUS SIGN}"


def suv_in_words(card: Mapping[str, Any] | None, inputs: Sequence[InputRow], factor: float | None) -> list[str]:
    """Lines; `factor` is SUV per Bq/mL as it was used, None where no number tells it."""
    taken = {row.quantity: row for row in inputs if row.value is not None}
    lines = []
    if factor is not None:
        lines.append(f"SUV = activity {TIMES} {factor:.6g}{_arithmetic(card or {}, taken, factor)}")
    told = [
        f"{words} {_value(taken[name])} ({taken[name].source})" for name, words in QUANTITIES.items() if name in taken
    ]
    if told:
        lines.append("; ".join(told))
    if card:
        when = f"valid at {_clock(card['reference_time'])}" if card.get("reference_time") else "as delivered"
        lines.append(f"values {when}: {card.get('rule') or card.get('reason') or card.get('status')}")
    return lines


def _value(row: InputRow) -> str:
    if row.quantity == "injection_time":
        return _clock(row.value or "")
    if row.quantity == "injected_activity_bq":
        return f"{float(row.value or 0) / 1e6:.6g} MBq"
    return f"{row.value} {row.unit}".strip()


def _clock(moment: str) -> str:
    """The time without its date, which would help to tell who was scanned."""
    return datetime.fromisoformat(moment).strftime("%H:%M:%S")


def _arithmetic(card: Mapping[str, Any], taken: Mapping[str, InputRow], factor: float) -> str:
    """By body weight, where it comes out again; else empty."""
    try:
        grams = 1000.0 * float(taken["weight_kg"].value or "")
        dose = float(taken["injected_activity_bq"].value or "")
        injected = datetime.fromisoformat(taken["injection_time"].value or "")
        minutes = (datetime.fromisoformat(card["reference_time"]) - injected).total_seconds() / 60.0
        half_life = card["half_life_s"] / 60.0
        again = grams / (dose * 2.0 ** (-minutes / half_life))
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return ""
    if abs(again - factor) > SAME * factor:
        return ""
    return (
        f" = activity {TIMES} {grams:g} g / ({dose:.10g} Bq {TIMES} 2^({MINUS}{minutes:.4g} min / {half_life:.5g} min))"
    )
