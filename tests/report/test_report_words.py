"""How names, numbers and reasons are written."""

from __future__ import annotations

import pytest

from petproc.report.words import coded, number, percent, sentence, signed, words


def test_names_become_words():
    assert words("mean_tbr_max") == "mean TBR max"
    assert sentence(words("ascending_aorta")) == "Ascending aorta"


@pytest.mark.parametrize(
    ("value", "text"), [(1.005, "1.00"), (-0.171, "\N{MINUS SIGN}0.17"), (-0.001, "0.00"), (None, "\N{EN DASH}")]
)
def test_numbers_have_a_real_minus_and_never_a_negative_zero(value, text):
    assert number(value) == text


def test_changes_carry_their_sign():
    assert [signed(value) for value in (0.2, -0.2, 0.0, 0.001)] == ["+0.20", "\N{MINUS SIGN}0.20", "0.00", "0.00"]
    assert percent(-7.68) == "\N{MINUS SIGN}7.7 %"
    assert percent(None) == "\N{EN DASH}"


def test_a_reason_is_split_into_code_and_words():
    assert coded("needs-review: radius 9 mm: too small") == ("needs-review", "radius 9 mm: too small")
    assert coded("The site lost it: sorry") == ("", "The site lost it: sorry")
    assert coded(None) == ("", "")
