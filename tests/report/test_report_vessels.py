"""Vessels by their judgement, blood pools by their quality, organs: sections of the page."""

from __future__ import annotations

import re

import pytest

from petproc.core.measure import BLOOD, ORGAN
from petproc.core.tables import ChangeRow, ScanRow, UptakeRow, VesselRow
from petproc.report import Content, completeness, render
from petproc.settings import Analysis

ARCH, DESCENDING, CAROTID = "aortic_arch", "descending_aorta", "left_common_carotid"


def vessel(session, region, status, reason=None, *, backend="classical", accepted_mm=60.0):
    none = (None, None, None) if status == "absent" else (12.3, 0.71, 0.845)
    lengths = (None, None) if status == "absent" else (80.0, accepted_mm)
    return VesselRow("01", session, region, backend, status, reason, *lengths, *none)


VESSELS = [
    vessel("baseline", ARCH, "accepted", accepted_mm=80.0),
    vessel("followup", ARCH, "needs_review", "needs-review: median radius 25.0 mm; path_cost 2.4.", accepted_mm=0.0),
    vessel("baseline", DESCENDING, "accepted", "partly-accepted: 60 of 80 mm (wall-not-visible 20 mm)."),
    vessel("followup", DESCENDING, "absent", "absent: the CT ends above it."),
    vessel("followup", CAROTID, "absent", "absent: the CT ends above it.", backend="seeded"),
]


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def section_of(html, name):
    return html.split(f'<section id="{name}">')[1].split("</section>")[0]


def rows_of(part):
    return [text_of(row) for row in re.findall(r"<tr>.*?</tr>", part, flags=re.DOTALL)]


def page(*, vessels=VESSELS, uptake=(), change=(), regions=(ARCH, DESCENDING, CAROTID), **choice):
    content = Content(list(change), list(uptake), [], [ScanRow("01", "baseline", "FDG", "", "", "yes", "")],
                      vessels=vessels)  # fmt: skip
    analysis = Analysis.model_validate({"quantify": {"regions": list(regions)}, **choice})
    return render(content, title="Vessels", name="primary", analysis=analysis, version="9.9.9")


def test_vessels_are_counted_in_the_summary_and_by_region():
    html = page()
    tiles = text_of(html.split('<section class="tiles"')[1].split("</section>")[0])
    assert "2 of 5 vessels accepted (1 in part), 1 to review , 2 absent" in tiles
    found = rows_of(section_of(html, "vessels"))
    assert "Aortic arch classical 1 0 1 0" in found
    assert "Descending aorta classical 1 1 0 1" in found
    assert "Left common carotid seeded 0 0 0 1" in found


def test_what_is_not_accepted_as_a_whole_stands_with_every_reason_first_what_needs_review():
    part = section_of(page(), "vessels")
    assert rows_of(part.split("and why</summary>")[1].split("</details>")[0])[1:] == [
        "01 followup aortic arch classical needs review median radius 25.0 mm; path_cost 2.4.",
        "01 followup descending aorta classical absent the CT ends above it.",
        "01 followup left common carotid seeded absent the CT ends above it.",
    ]
    assert rows_of(part.split("accepted in part</summary>")[1].split("</details>")[0])[1:] == [
        "01 baseline descending aorta classical accepted in part 60 of 80 mm (wall-not-visible 20 mm).",
    ]
    assert part.count("<details open>") == 1
    assert "<details open>" not in section_of(page(vessels=VESSELS[2:]), "vessels")


def test_every_vessel_has_its_scores_and_what_is_absent_has_none():
    found = rows_of(section_of(page(), "vessels").split("All scores</summary>")[1])
    assert "01 baseline aortic arch classical accepted 80 80 12.3 0.71 0.84" in found
    dash = "\N{EN DASH}"
    assert f"01 followup left common carotid seeded absent {dash} {dash} {dash} {dash} {dash}" in found


def test_a_page_without_judged_vessels_has_no_section_of_them():
    assert 'id="vessels"' not in page(vessels=[])
    assert 'href="#vessels"' not in page(vessels=[])


def test_all_backends_of_the_analysis_are_named():
    html = page(backend="imported", backend_of={CAROTID: "seeded"})
    assert "segmentation <b>imported, seeded</b>" in html


def blood(session, metric, value, reason=None, second=None):
    return UptakeRow(
        *("01", session, "superior_vena_cava", metric, value, BLOOD[metric].unit, 8, 32, 1.54, second, None, 120.0),
        status="refused" if value is None else "measured",
        reason=reason,
    )


def test_the_quality_of_a_blood_pool_and_its_second_site_are_shown():
    values = {"blood_suv_mean": 1.6, "blood_cov": 0.0912, "blood_trend": -2.34, "blood_voxels": 32.0}
    uptake = [blood(session, name, value) for session in ("baseline", "followup") for name, value in values.items()]
    uptake += [blood("baseline", "blood_ratio", 1.07, second="descending_aorta")]
    uptake += [blood("followup", "blood_ratio", None, "no-second-site: No blood pool in descending_aorta: too little.")]
    found = rows_of(section_of(page(uptake=uptake), "blood"))
    minus = "\N{MINUS SIGN}"
    assert f"01 baseline superior vena cava 1.60 32 0.091 {minus}2.3 1.07 descending aorta" in found
    assert f"01 followup superior vena cava 1.60 32 0.091 {minus}2.3 \N{EN DASH} none" in found


def organ(metric, before, after):
    return ChangeRow("01", "liver", metric, ORGAN[metric].unit, before, after, after - before,
                     100 * (after / before - 1), False, None, None, "measured", None, None)  # fmt: skip


def test_organs_have_a_section_of_their_own_and_are_no_vessels():
    change = [organ(name, 2.0, 2.2) for name in ORGAN]
    visits = [of_liver(s, name, value) for s, value in (("baseline", 2.0), ("followup", 2.2)) for name in ORGAN]
    html = page(change=change, uptake=visits, regions=(ARCH, "liver"))
    assert rows_of(section_of(html, "organs"))[1] == "01 " + " ".join(["2.00 → 2.20 +10.0 %"] * 4)
    assert "Liver" not in text_of(section_of(html, "regions"))
    assert 'id="organs"' not in page()


def of_liver(session, metric, value):
    return UptakeRow("01", session, "liver", metric, value, ORGAN[metric].unit, 0, 900, 40.0, None, None, 120.0,
                     "measured", None)  # fmt: skip


def test_an_organ_of_one_visit_alone_is_shown_and_said_to_be_not_compared():
    change = [ChangeRow("01", "liver", name, "1", None, None, None, None, False, None, None, "refused",
                        "one-visit: no followup", None) for name in ORGAN]  # fmt: skip
    html = page(change=change, uptake=[of_liver("baseline", name, 2.0) for name in ORGAN], regions=("liver",))
    assert rows_of(section_of(html, "organs"))[1] == "01 " + " ".join(["2.00 → \N{EN DASH} not compared"] * 4)
    assert 'title="one-visit: no followup"' in section_of(html, "organs")


def test_a_scan_with_suv_and_without_blood_is_no_measured_scan():
    suv = UptakeRow("01", "baseline", ARCH, "mean_suv_max", 3.0, "g/mL", 5, 9, 9.0, None, None, None, "measured", None)
    tiles = text_of(page(uptake=[suv, ratio("mean_tbr_max", ARCH, None)]).split('<section class="tiles"')[1])
    assert "0 scans measured, 1 refused" in tiles


def ratio(metric, region, value):
    return UptakeRow("01", "baseline", region, metric, value, "1", 0, 9, 9.0, None, None, None,
                     "refused" if value is None else "measured", None if value else "absent: not in view.")  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "complete"),
    [
        ([("organ_to_blood", "liver", 1.2)], True),
        ([("organ_to_blood", "liver", None)], False),
        ([("organ_to_blood", "liver", 1.2), ("mean_tbr_max", ARCH, None)], False),
        ([("organ_to_blood", "liver", None), ("mean_tbr_max", ARCH, 2.0)], True),
    ],
)
def test_a_scan_is_measured_by_its_vessels_and_by_organs_where_no_vessel_is_asked_for(rows, complete):
    scan = ScanRow("01", "baseline", "FDG", "", "", "yes", "")
    assert completeness([scan], {"primary": [ratio(*row) for row in rows]})[1] is complete
