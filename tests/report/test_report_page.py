"""The page: complete, self-contained, safe with hostile text, and the same bytes every time."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from petproc.core.errors import Finding
from petproc.core.tables import ChangeRow, InputRow, ScanRow, SliceRow, UptakeRow, VesselRow
from petproc.report import Content, render
from petproc.settings import Analysis, QuantifySettings

HOSTILE = '<script>alert(1)</script>"><img src=http://example.org/x.png onerror=alert(2)>'
VOID = {"meta", "img", "br"}


def change(participant, region, before, after, *, metric="mean_tbr_max", **changes):
    row = ChangeRow(
        *(participant, region, metric, "1", before, after),
        change=after - before,
        percent_change=100 * (after - before) / before,
        index_vessel=region in ("index_vessel", "ascending_aorta"),
        matched_mm=60.0,
        unmatched_mm=3.0,
        status="measured",
        reason="ascending_aorta" if region == "index_vessel" else None,
        findings=None,
    )
    return replace(row, **changes)


def refused_change(participant, region, reason, status="refused"):
    empty = {"baseline": None, "follow_up": None, "change": None, "percent_change": None, "matched_mm": None}
    return change(participant, region, 1.0, 1.0, status=status, reason=reason, **empty)


def uptake(participant, session, region, value, reason=None, status=None):
    return UptakeRow(
        *(participant, session, region, "mean_tbr_max", value, "1", 20, 400, 20.0, "superior_vena_cava", 1.5, 120.0),
        status=status or ("refused" if value is None else "measured"),
        reason=reason,
    )


def scan(participant, session, include="yes", reason=""):
    return ScanRow(participant, session, "FDG", "1.2", "1.3", include, reason)


@pytest.fixture
def content():
    """01 falls by 24 %, 02 rises by 4 %, 03 lacks a candidate; 02 has an arch that needs review."""
    rows = [
        change("01", "index_vessel", 2.5, 1.9, findings="uptake-time-differs"),
        change("01", "ascending_aorta", 2.5, 1.9),
        change("01", "superior_vena_cava", 1.5, 1.6, metric="blood_suv_mean"),
        change("02", "index_vessel", 2.0, 2.08),
        change("02", "ascending_aorta", 2.0, 2.08),
        refused_change("02", "aortic_arch", "baseline: needs-review: radius."),
        refused_change("03", "index_vessel", "descending_aorta is not measured at baseline", "incomplete_candidates"),
        refused_change("03", "ascending_aorta", "one-visit: no followup"),
    ]
    scans = [scan(p, s) for p in ("01", "02") for s in ("baseline", "followup")] + [scan("03", "baseline")]
    scans += [scan("04", "baseline", "no", "moved between PET and CT")]
    measured = [uptake(s.participant, s.session, "ascending_aorta", 2.0) for s in scans if s.include == "yes"]
    left_out = uptake("04", "baseline", "all", None, "moved between PET and CT", "excluded")
    arch = uptake("02", "baseline", "aortic_arch", None, "needs-review: radius.")
    return Content(
        rows,
        [*measured, arch, left_out],
        [],
        scans,
        findings={"sub-01": [Finding("uptake-time-differs", "120 min and 134 min.")]},
        overlays={"sub-01_ses-baseline": {"ascending_aorta": b"\x89PNG not a real one"}},
    )


def page(content, title="Before and after", suv="bw"):
    analysis = Analysis(quantify=QuantifySettings(suv=suv))
    return render(content, title=title, name="primary", analysis=analysis, version="9.9.9")


def text_of(html):
    visible = re.sub(r"<(style|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", visible))


def row_of(html, section, first):
    """The text of the table row that starts with `first` in the section of this id."""
    part = html.split(f'<section id="{section}">')[1].split("</section>")[0]
    rows = [text_of(row).strip() for row in re.findall(r"<tr>.*?</tr>", part, flags=re.DOTALL)]
    return next(row for row in rows if row.startswith(first))


def test_the_index_vessel_of_every_participant_stands_in_the_table(content):
    html = page(content)
    assert row_of(html, "change", "01") == (
        "01 ascending aorta 2.50 1.90 \N{MINUS SIGN}0.60 \N{MINUS SIGN}24.0 % 60 mm uptake time differs"
    )
    assert row_of(html, "change", "02").startswith("02 ascending aorta 2.00 2.08 +0.08 +4.0 %")
    assert row_of(html, "change", "03") == (
        "03 none incomplete candidates descending_aorta is not measured at baseline"
    )


def test_the_mean_is_of_those_measured_and_its_percentage_of_the_mean_baseline(content):
    # changes -0.6 and +0.08: mean -0.26; mean baseline 2.25: -11.6 %
    assert "\N{MINUS SIGN}0.26" in row_of(page(content), "change", "Mean of 2")
    assert "\N{MINUS SIGN}11.6 %" in row_of(page(content), "change", "Mean of 2")


def test_what_was_not_measured_is_said_with_its_reason(content):
    html = page(content)
    assert row_of(html, "unmeasured", "02") == "02 baseline aortic arch needs review radius."
    assert row_of(html, "unmeasured", "03") == "03 change ascending aorta one visit no followup"
    assert row_of(html, "unmeasured", "04") == "04 baseline the whole scan left out moved between PET and CT"


def test_findings_blood_pool_formulas_settings_and_the_warning_are_there(content):
    html = page(content)
    text = text_of(html)
    assert "120 min and 134 min." in text
    assert row_of(html, "blood", "01").startswith("01 1.50 1.60 +0.10")
    assert all(
        metric.formula in text.replace("&#34;", '"').replace("&gt;", ">")
        for metric in QuantifySettings().metrics.values()
    )
    assert "quantify.background.volume_ml 1.5" in text
    assert "not a medical device" in text
    assert "petproc 9.9.9" in text


def test_overlays_are_embedded(content):
    assert 'src="data:image/png;base64,iVBOR' in page(content)


def test_nothing_is_asked_of_any_other_place(content):
    html = page(content)
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', html) == []
    assert "url(" not in html
    assert "@import" not in html
    assert "<script" not in html
    assert "default-src 'none'" in html


def test_hostile_text_is_shown_and_never_run():
    rows = [
        change(HOSTILE, "index_vessel", 2.5, 1.9, reason=HOSTILE, findings=HOSTILE),
        refused_change("02", "index_vessel", f"ascending_aorta: {HOSTILE}"),
    ]
    hostile = Content(
        rows,
        [uptake("02", HOSTILE, "aortic_arch", None, HOSTILE)],
        [],
        [scan(HOSTILE, HOSTILE, "no", HOSTILE)],
        findings={HOSTILE: [Finding(HOSTILE, HOSTILE)]},
        overlays={HOSTILE: {HOSTILE: b"x"}},
        inputs=[InputRow(HOSTILE, HOSTILE, "sex", HOSTILE, HOSTILE, "worksheet", HOSTILE, HOSTILE)],
        vessels=[VesselRow(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "needs_review", HOSTILE, 1.0, 0.0, None, None, None)],
    )
    html = page(hostile, title=HOSTILE)
    assert "<script" not in html
    assert "<img src=http" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_every_element_is_closed(content):
    class Balance(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_startendtag(self, _tag, _attrs):
            """Closed in itself."""

        def handle_starttag(self, tag, _attrs):
            if tag not in VOID:
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    parser = Balance()
    parser.feed(page(content))
    assert parser.open == []


def test_the_same_content_gives_the_same_bytes(content):
    assert page(content) == page(content)


def test_a_study_in_which_nothing_was_measured_still_has_its_page():
    html = page(Content([], [], [], []))
    assert "No participant has an index vessel measured at both visits." in html
    assert "No overlays were made." in html


@pytest.mark.parametrize("participants", [1, 2, 17, 60])
def test_figures_are_drawn_for_any_number_of_participants(participants):
    rows = [change(f"{n:02}", "index_vessel", 2.0, 2.0 - 0.01 * n) for n in range(participants)]
    html = page(Content(rows, [], [], [scan("01", "baseline")]))
    assert html.count('<g class="slope fall">') == participants - 1  # the first does not change
    assert html.count('<g class="slope mean">') == (participants > 2)
    assert "nan" not in html.lower().split("</style>")[1]


def slices(session, tbr, dropped=()):
    return [
        SliceRow(
            *("01", session, "ascending_aorta", n + 1, n),
            arc_mm=3.0 * n,
            n_voxel=20,
            area_mm2=320.0,
            accepted_fraction=1.0,
            uptake_min=120.0,
            suv_max=value,
            suv_mean=value,
            tbr_max=value,
            tbr_mean=value,
            hottest_i=0,
            hottest_j=0,
            hottest_k=0,
            slice_mm=3.0,
            flag=None,
            counts=n not in dropped,
            reason=None,
        )
        for n, value in enumerate(tbr)
    ]


def test_the_index_vessel_is_drawn_slice_by_slice_and_broken_where_one_is_left_out(content):
    both = slices("baseline", [2.5, 2.4, 2.6, 2.5]) + slices("followup", [1.9, 1.8, 2.0, 1.9], dropped=[1])
    html = page(replace(content, slices=both))
    assert html.count('<polyline class="run before"') == 1
    assert html.count('<polyline class="run fall"') == 2
    assert html.count('<circle class="out fall"') == 1
    assert "Along the index vessel" not in page(content)


def test_a_visit_without_a_landmark_is_not_drawn_along_the_vessel(content):
    nowhere = [replace(row, arc_mm=None) for row in slices("followup", [1.9, 1.8])]
    html = page(replace(content, slices=slices("baseline", [2.5, 2.4]) + nowhere))
    assert html.count('<polyline class="run before"') == 1
    assert html.count('<polyline class="run fall"') == 0
    assert "Along the index vessel" not in page(replace(content, slices=nowhere))


def test_a_change_refused_for_want_of_a_landmark_stands_with_what_was_not_measured(content):
    reason = "no-landmark: the arc length at followup counts from no landmark."
    rows = [*content.change, refused_change("02", "descending_aorta", reason)]
    html = page(replace(content, change=rows))
    part = html.split('<section id="unmeasured">')[1].split("</section>")[0]
    assert "02 change descending aorta no landmark the arc length at followup" in text_of(part)


def test_the_active_slices_of_a_change_are_said_to_be_the_baselines(content):
    assert "active slices of a change are those of the baseline" in text_of(page(content))


def entries(participant, session, **rows):
    """Inputs by the tags; `rows` are value, source, rejected and reason of those that are not."""
    usual = {
        "fasting_h": (None, "none", None, None),
        "glucose_mmol_l": (None, "none", None, None),
        "height_m": ("1.75", "tag", None, None),
        "injected_activity_bq": ("200400000.0", "tag", None, None),
        "injection_time": ("2026-01-01T09:05:00+00:00", "tag", None, None),
        "sex": ("M", "tag", None, None),
        "weight_kg": ("70.0", "tag", None, None),
    }
    return [
        InputRow(participant, session, name, value, "", source, rejected, reason)
        for name, (value, source, rejected, reason) in {**usual, **rows}.items()
    ]


@pytest.fixture
def with_inputs(content):
    corrected = entries(
        "01",
        "baseline",
        weight_kg=("77.0", "worksheet", "tag: 70.0", None),
        glucose_mmol_l=("5.4", "worksheet", None, None),
    )
    unknown = entries("02", "baseline", injected_activity_bq=(None, "none", None, "suv-unknown: No dose is told."))
    return replace(content, inputs=[*corrected, *unknown])


def test_inputs_of_every_scan_stand_with_their_sources(with_inputs):
    html = page(with_inputs)
    assert row_of(html, "inputs", "01") == "01 baseline 200.4 09:05 120 ● 77.0 175 M ● 5.4 \N{EN DASH}"
    assert row_of(html, "inputs", "02") == ("02 baseline \N{EN DASH} 09:05 120 70.0 175 M \N{EN DASH} \N{EN DASH}")
    assert 'title="by the worksheet; not taken: tag: 70.0"' in html
    assert 'title="suv-unknown: No dose is told."' in html
    rejected = html.split("Values that were not taken")[1].split("</details>")[0]
    assert "01 baseline Weight 77.0 (worksheet) tag: 70.0" in text_of(rejected)
    assert "02" not in text_of(rejected)


def test_a_page_without_inputs_has_no_section_of_them(content):
    assert 'id="inputs"' not in page(content)
    assert 'href="#inputs"' not in page(content)


def test_the_suv_variant_in_use_is_named_with_its_unit(with_inputs):
    by_weight, by_surface = text_of(page(with_inputs)), text_of(page(with_inputs, suv="bsa"))
    assert "SUV by body weight (g/mL)" in by_weight
    assert "cm2/mL" not in by_weight
    assert "SUV by body surface area (cm2/mL)" in by_surface
    assert "body surface area / dose decayed" in by_surface
    assert "g/mL" not in by_surface
    assert row_of(page(with_inputs, suv="bsa"), "method", "mean_suv_max").startswith("mean_suv_max cm2/mL")


def test_the_mean_over_all_vessels_stands_beside_them_where_there_is_one(content):
    assert "all vessels" not in text_of(page(content)).lower()
    incomplete = refused_change("02", "all_vessels", "aortic_arch is not measured at both visits", "incomplete")
    with_mean = replace(content, change=[*content.change, change("01", "all_vessels", 2.0, 1.8), incomplete])
    assert row_of(page(with_mean), "regions", "01").endswith("2.00 → 1.80 \N{MINUS SIGN}10.0 %")
    assert row_of(page(with_mean), "regions", "02").endswith("incomplete")


def test_a_setting_without_a_value_says_what_that_means(content):
    text = text_of(page(content))
    assert "quantify.background.region by region" in text
    assert "quantify.depth_mm 0.0, none" in text
    assert "quantify.glucose_reference_mmol_l none" in text


def test_a_layer_and_another_way_to_cut_stand_in_the_method(content):
    asked = QuantifySettings(depth_mm=(0.0, 3.0), coverage="p25", slicing={"descending_aorta": "centreline"})
    analysis = Analysis(quantify=asked)
    text = text_of(render(content, title="A trial", name="wall", analysis=analysis, version="9.9.9"))
    assert "its 25 % quantile of depth under the vessel's outer wall is at least 0.0 mm" in text.replace("&#39;", "'")
    assert "its 75 % quantile less than 3.0 mm" in text
    assert "set by this analysis: descending aorta centreline" in text
