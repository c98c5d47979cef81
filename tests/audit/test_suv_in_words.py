"""The SUV card in words, with its arithmetic done by hand."""

from __future__ import annotations

from typing import Any

import pytest

from petproc.audit.suv_in_words import MINUS, TIMES, suv_in_words
from petproc.core.tables import InputRow

CARD: dict[str, Any] = {
    "status": "ok",
    "rule": "vendor",
    "reference_time": "2025-03-03T12:00:00+00:00",
    "half_life_s": 6000.0,
}
FACTOR = 80_000.0 / (400e6 / 2.0)
"""80 kg; 400 MBq, one half-life of 100 min after injection: 0.0004 per Bq/mL"""


def row(quantity: str, value: str | None, unit: str = "", source: str = "tag") -> InputRow:
    return InputRow("P001", "baseline", quantity, value, unit, source, None, None)


INPUTS = [
    row("injected_activity_bq", "400000000.0", "Bq"),
    row("injection_time", "2025-03-03T10:20:00+00:00"),
    row("weight_kg", "80.0", "kg", "worksheet"),
    row("height_m", None, "m", "none"),
]


def test_the_factor_is_told_with_its_arithmetic_and_what_it_is_made_of_with_its_source() -> None:
    assert suv_in_words(CARD, INPUTS, FACTOR) == [
        f"SUV = activity {TIMES} 0.0004 = activity {TIMES} 80000 g / "
        f"(400000000 Bq {TIMES} 2^({MINUS}100 min / 100 min))",
        "weight 80.0 kg (worksheet); dose 400 MBq (tag); injected 10:20:00 (tag)",
        "values valid at 12:00:00: vendor",
    ]


@pytest.mark.parametrize("factor", [FACTOR * 1.001, FACTOR * 0.7])
def test_arithmetic_that_does_not_give_the_factor_is_not_shown(factor: float) -> None:
    """Another variant of SUV, or glucose: the factor stands alone."""
    assert suv_in_words(CARD, INPUTS, factor)[0] == f"SUV = activity {TIMES} {factor:.6g}"


@pytest.mark.parametrize("without", ["weight_kg", "injected_activity_bq", "injection_time"])
def test_a_quantity_that_is_not_known_leaves_the_arithmetic_out(without: str) -> None:
    left = [one for one in INPUTS if one.quantity != without]
    assert suv_in_words(CARD, left, FACTOR)[0] == f"SUV = activity {TIMES} 0.0004"


def test_without_a_factor_and_a_card_nothing_is_made_up() -> None:
    assert suv_in_words(None, [], None) == []


def test_a_card_that_gives_no_suv_says_why() -> None:
    card = {"status": "refused", "reason": "Units is absent.", "reference_time": None}
    assert suv_in_words(card, [], None) == ["values as delivered: Units is absent."]
