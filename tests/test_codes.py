"""The table of codes tells what the code does: every code is literal, told once, and has a remedy where it refuses."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))

from make_codes import PAGE, VARIES, WITH_REMEDY, Use, page, uses

USES = uses()
SHARED = {
    "background-refused": "the slow second measurement refuses what quantify refuses",
    "config-invalid": "the file, and what stands in it",
    "labels-off-grid": "label maps and DICOM SEG",
    "suv-carried": "the finding when it is ingested, the refusal when another SUV is asked for",
    "suv-unknown": "what the delivery does not tell, and an acquisition of which nothing is told",
    "table-encoding": "tables of a study, and those to which rows are added",
}
"""Codes that more than one package gives, and why that is one meaning."""


def by_code(found: list[Use]) -> dict[str, list[Use]]:
    codes: dict[str, list[Use]] = {}
    for use in found:
        codes.setdefault(use.code or "", []).append(use)
    return codes


def made(folder: Path, source: str) -> list[Use]:
    (folder / "stage").mkdir()
    (folder / "stage/module.py").write_text(source)
    return uses(folder)


def test_the_table_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_every_code_is_a_literal_in_kebab_case() -> None:
    assert len(USES) > 100
    assert [use.place for use in USES if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", use.code or "")] == []


def test_every_refusal_has_a_remedy_and_everything_says_what_it_is() -> None:
    assert [use.place for use in USES if use.call in WITH_REMEDY and not use.remedy.strip(f"{VARIES} ")] == []
    assert [use.place for use in USES if not use.message.strip(f"{VARIES} ")] == []


def test_a_code_means_one_thing() -> None:
    apart = {code for code, same in by_code(USES).items() if len({use.stage for use in same}) > 1}
    assert apart == set(SHARED)


def test_a_code_that_is_made_up_at_run_time_is_seen(tmp_path: Path) -> None:
    source = "def f(kind):\n    raise Refusal(f'{kind}-missing', 'It is missing.', 'Send it.')\n"
    assert [use.code for use in made(tmp_path, source)] == [None]


def test_a_code_handed_on_is_not_counted_twice(tmp_path: Path) -> None:
    source = "def f(bad):\n    raise Refusal(bad.code, bad.reason, 'Send it.')\n    Refusal(**bad.entry)\n"
    assert made(tmp_path, source) == []


def test_words_are_found_in_variables_helpers_and_keywords(tmp_path: Path) -> None:
    source = (
        "ASK = 'Ask the site.'\n"
        "def refuse(code, what):\n    raise Refusal(code, f'It {what} by {3 * 4} mm.', remedy=ASK)\n"
        "def f(n):\n    refuse('slice-turned', 'is turned')\n"
        "    words = f'{n} files'\n    return Finding('many', words)\n"
        "Unknown('weight_kg', 'no-weight', reason='None told.', remedy=ASK)\n"
    )
    assert [(use.code, use.kind, use.message, use.remedy) for use in made(tmp_path, source)] == [
        ("slice-turned", "refusal", "It is turned by ... mm.", "Ask the site."),
        ("many", "finding", "... files", ""),
        ("no-weight", "refusal", "None told.", "Ask the site."),
    ]
    assert {use.stage for use in uses(tmp_path)} == {"stage"}
