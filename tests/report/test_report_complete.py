"""A study is complete when every scan is measured, or left out with a reason."""

from __future__ import annotations

from petproc.core.metrics import METRICS
from petproc.core.tables import ScanRow, UptakeRow
from petproc.report import completeness


def scan(session, include="yes", reason=""):
    return ScanRow("01", session, "FDG", "1", "2", include, reason)


def uptake(session, region, value, reason=None):
    return [
        UptakeRow(
            *("01", session, region, metric.name),
            value=value,
            unit=metric.unit,
            n_slice=10,
            n_voxel=100,
            volume_ml=5.0,
            background_region=None,
            background_suv=None,
            uptake_min=None,
            status="refused" if value is None else "measured",
            reason=reason,
        )
        for metric in METRICS.values()
    ]


def test_a_study_with_every_scan_measured_is_complete():
    rows, complete = completeness([scan("baseline")], {"primary": uptake("baseline", "aortic_arch", 2.0)})
    assert complete
    assert [(row.session, row.status, row.n_region_measured, row.remedy) for row in rows] == [
        ("baseline", "measured", 1, None)
    ]


def test_a_region_refused_is_named_and_holds_up_nothing():
    table = uptake("baseline", "aortic_arch", 2.0) + uptake("baseline", "abdominal_aorta", None, "absent: cut off.")
    (row,), complete = completeness([scan("baseline")], {"primary": table})
    assert complete
    assert (row.n_region_measured, row.n_region, row.reason) == (1, 2, "abdominal_aorta: absent: cut off.")


def test_a_scan_refused_leaves_the_study_incomplete_with_reason_and_remedy():
    why = "pet-truncated: A slice is missing. Send it again."
    table = uptake("baseline", "aortic_arch", 2.0) + uptake("followup", "aortic_arch", None, why)
    rows, complete = completeness([scan("baseline"), scan("followup")], {"primary": table})
    assert not complete
    assert [row.complete for row in rows] == [True, False]
    assert rows[1].reason == f"aortic_arch: {why}"
    assert rows[1].remedy.startswith("Do what the reason says, or set include to no")


def test_a_scan_without_a_blood_pool_is_not_measured():
    table = [
        row if row.metric.startswith("mean_suv") else UptakeRow(**{**vars(row), "value": None, "status": "refused"})
        for row in uptake("baseline", "aortic_arch", 2.0)
    ]
    assert not completeness([scan("baseline")], {"primary": table})[1]


def test_a_scan_that_is_in_no_table_is_not_overlooked():
    rows, complete = completeness([scan("baseline")], {"primary": []})
    assert not complete
    assert rows[0].reason == "it is not in the uptake table"


def test_a_scan_left_out_is_complete_only_with_a_reason():
    rows, complete = completeness([scan("baseline", "no", "moved")], {"primary": []})
    assert complete
    assert (rows[0].status, rows[0].reason) == ("excluded", "moved")
    assert not completeness([scan("baseline", "no")], {"primary": []})[1]


def test_every_analysis_is_asked():
    measured = uptake("baseline", "aortic_arch", 2.0)
    rows, complete = completeness([scan("baseline")], {"primary": measured, "other": []})
    assert [(row.analysis, row.complete) for row in rows] == [("primary", True), ("other", False)]
    assert not complete
