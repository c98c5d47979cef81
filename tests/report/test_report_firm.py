"""How firm numbers are, on the page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_report_page import HOSTILE, change, page, row_of, text_of

from petproc.core.tables import FragilityRow
from petproc.report import Content
from petproc.report.firm import firmness


def firm(participant, session, region="ascending_aorta", **others):
    """2.5 between 2.4 and 2.7; its change of -0.2 is fragile."""
    row = FragilityRow(
        *(participant, session, region, "mean_tbr_max", "1"),
        value=2.5,
        low=2.4,
        high=2.7,
        width=0.3,
        at_least=0.3,
        low_at="boundary 1 mm in",
        high_at="vessels 2 mm left",
        index_vessel=region == "ascending_aorta",
        change=-0.2,
        fragile="yes",
        status="measured",
        reason=None,
    )
    return replace(row, **others)


def unknown(participant, session, **others):
    empty = dict.fromkeys(("low", "high", "width", "low_at", "high_at"))
    return firm(
        participant,
        session,
        **empty,
        status="refused",
        at_least=0.4,
        reason="variant-refused: not measured with",
        **others,
    )


@pytest.fixture
def content():
    """01 is fragile in its index vessel, 02 is firm and 03 unknown at follow-up."""
    rows = [
        firm("01", "baseline"),
        firm("01", "followup", value=2.3, low=2.25, high=2.35, width=0.1, at_least=0.1),
        firm("01", "baseline", "aortic_arch", change=None, fragile=None),
        firm("01", "baseline", metric="max_tbr_max", value=9.0),
        firm("02", "baseline", fragile="no", change=-0.5),
        firm("02", "followup", fragile="no", change=-0.5),
        firm("03", "baseline", fragile="unknown", change=-0.5),
        unknown("03", "followup", fragile="unknown", change=-0.5),
    ]
    changes = [
        change(name, region, 2.5, 2.3) for name in ("01", "02") for region in ("index_vessel", "ascending_aorta")
    ]
    return Content(changes, [], [], [], fragility=rows)


def test_the_index_vessel_stands_with_its_interval_at_both_visits_and_the_wider_of_them(content):
    assert row_of(page(content), "firm", "01") == (
        "01 ascending aorta 2.50 2.40 to 2.70 2.30 2.25 to 2.35 0.30 \N{MINUS SIGN}0.20 fragile"
    )
    assert row_of(page(content), "firm", "02").endswith("0.30 \N{MINUS SIGN}0.50 firm")


def test_an_interval_that_is_not_known_is_said_so_with_its_reason(content):
    html = page(content)
    assert row_of(html, "firm", "03") == (
        "03 ascending aorta 2.50 2.40 to 2.70 2.50 not known ≥ 0.40 \N{MINUS SIGN}0.50 not known"
    )
    assert 'title="variant-refused: not measured with"' in html


def test_what_was_moved_stands_with_each_interval(content):
    assert 'title="lowest: boundary 1 mm in; highest: vessels 2 mm left"' in page(content)


def test_the_change_table_marks_fragile_changes_and_no_others(content):
    html = page(content)
    assert row_of(html, "change", "01").endswith("fragile")
    assert "fragile" not in row_of(html, "change", "02")


def test_every_region_of_the_metric_is_told_once(content):
    found = firmness(content.fragility, "mean_tbr_max")
    assert [(one.participant, one.region) for one in found.regions] == [
        ("01", "ascending_aorta"),
        ("01", "aortic_arch"),
        ("02", "ascending_aorta"),
        ("03", "ascending_aorta"),
    ]
    assert [one.participant for one in found.index] == ["01", "02", "03"]
    assert found.fragile == {"01"}
    assert "aortic arch 2.50 2.40 to 2.70" in text_of(page(content))


def test_without_a_table_there_is_no_section(content):
    html = page(replace(content, fragility=()))
    assert 'id="firm"' not in html
    assert "#firm" not in html


def test_hostile_text_is_shown_and_never_run():
    rows = [firm(HOSTILE, "baseline", low_at=HOSTILE), unknown(HOSTILE, "followup")]
    html = page(Content([], [], [], [], fragility=[rows[0], replace(rows[1], reason=HOSTILE)]))
    assert "<script" not in html
    assert "<img src=http" not in html
