"""Which jobs an edit plans. The rules are the real ones, but that their jobs only make empty files."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakes import snakemake

from petproc import layout
from petproc.audit.decisions import Place, exclude_scan, release, withdraw
from petproc.core.suv import VARIANTS
from petproc.core.tables import IndexRow, PointRow, ScanRow, WorksheetRow
from petproc.io import write_rows
from petproc.workflow.plan import Plan
from petproc.workflow.study import init_study, workflow_root

DATASET = {"dataset": 1}
TABLES = {"quantify": 1, "compare": 1, "fragility": 1, "report": 1, "complete": 1}
WORKSHEET = [field.name for field in fields(WorksheetRow)]
SCANS = [ScanRow(person, visit, "FDG", f"1.{person}.{n}", f"2.{person}.{n}", "yes", "proposed")
         for person in ("1", "2") for n, visit in enumerate(("baseline", "followup"))]  # fmt: skip


class Study:
    """A study folder and a copy of the rules that is run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "study"
        self.workflow = folder / "checkout"

    def make(self) -> None:
        self.copy_rules(workflow_root())
        for rules in (self.workflow / "workflow/rules").iterdir():
            text = re.sub(r'script:\n\s+".*"', 'shell:\n        "touch {output}"', rules.read_text())
            rules.write_text(text)
        init_study(self.folder)
        self.list_scans(*SCANS)

    def copy_rules(self, root: Path) -> None:
        shutil.copytree(root / "workflow", self.workflow / "workflow")
        shutil.copyfile(root / "Snakefile", self.workflow / "Snakefile")

    def list_scans(self, *scans: ScanRow) -> None:
        write_rows(self.folder / layout.SCANS, scans, ScanRow)
        for series in (series for scan in scans for series in (scan.pet, scan.ct)):
            index = self.folder / layout.INDEX.format(series=series)
            if not index.exists():
                write_rows(index, [], IndexRow)

    def enter(self, *rows: WorksheetRow) -> None:
        write_rows(self.folder / layout.WORKSHEET, rows, WorksheetRow)

    def configure(self, config: dict[str, Any]) -> None:
        (self.folder / layout.CONFIG).write_text(yaml.safe_dump(config))

    def config(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((self.folder / layout.CONFIG).read_text())
        return content

    def snakemake(self, *options: str) -> tuple[int, str]:
        place = ("--snakefile", str(self.workflow / "Snakefile"), "--directory", str(self.folder), "--cores", "2")
        return snakemake(*place, *options, output=self.folder / "said.txt")

    def planned(self) -> dict[str, int]:
        """Rules and how many jobs of each a dry run names."""
        status, said = self.snakemake("--dry-run")
        assert status == 0, said
        rules = re.findall(r"^(?:local)?rule (\w+):", said, flags=re.MULTILINE)
        return dict(Counter(rule for rule in rules if rule != "all"))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(tmp_path_factory.mktemp("plan"))
    study.make()
    status, said = study.snakemake()
    assert status == 0, said
    return study


@pytest.fixture
def study(ran: Study, tmp_path: Path) -> Study:
    """A copy of the study that ran, with its times, so that an edit of one test is not seen by another."""
    copy = Study(tmp_path)
    copy.workflow = ran.workflow
    shutil.copytree(ran.folder, copy.folder)
    return copy


def test_nothing_is_planned_right_after_a_run(study: Study) -> None:
    assert study.planned() == {}


def test_quantification_settings_plan_only_the_tables(study: Study) -> None:
    config = study.config()
    quantify = config["analyses"]["primary"]["quantify"]
    quantify.update(regions=["aortic_arch"], depth_mm=[0.5, None], coverage="p25", slab_mm=6.0, slice_accepted_min=0.8)
    quantify.update(slice_area_min=0.4, slices_min=4, myocardium_distance_min_mm=10.0, active_tbr=1.6, segment_mm=9.0)
    quantify["background"].update(region="superior_vena_cava", volume_ml=1.0, depth_min_mm=2.0, second_regions=[])
    quantify["organ_depth_min_mm"].update(liver=15.0)
    quantify["gate"].update(visible_fraction_min=0.4, ring_score_min=0.2)
    study.configure(config)
    assert study.planned() == TABLES


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant != "bw"])
def test_the_suv_variant_plans_only_the_tables(study: Study, variant: str) -> None:
    config = study.config()
    config["analyses"]["primary"]["quantify"]["suv"] = variant
    study.configure(config)
    assert study.planned() == TABLES


def test_a_comparison_setting_leaves_quantify_alone(study: Study) -> None:
    config = study.config()
    config["analyses"]["primary"]["compare"]["index_metric"] = "max_tbr_max"
    study.configure(config)
    assert study.planned() == {rule: 1 for rule in TABLES if rule != "quantify"}


def test_another_analysis_leaves_the_first_alone(study: Study) -> None:
    config = study.config()
    config["analyses"]["wide"] = {"quantify": {"depth_mm": [-1.0, None]}}
    study.configure(config)
    assert study.planned() == TABLES


def test_a_multiverse_is_one_job_on_tables(study: Study) -> None:
    config = study.config()
    config["multiverse"] = {"robust": {"vary": {"quantify.active_tbr": [1.6, 2.0], "quantify.slab_mm": [5.0, 6.0]}}}
    study.configure(config)
    assert study.planned() == {"multiverse": 1}


def test_a_multiverse_of_backends_is_made_from_the_tables_of_all(study: Study) -> None:
    config = study.config()
    config["segment"]["backends"] = ["classical", "imported"]
    config["multiverse"] = {"robust": {"vary": {"backend": ["classical", "imported"]}}}
    study.configure(config)
    assert study.planned() == {"segment_imported": 4, "sample": 4, "multiverse": 1}


def test_a_sample_setting_plans_sample_and_what_follows(study: Study) -> None:
    config = study.config()
    config["sample"]["reach_mm"] = 10.0
    study.configure(config)
    assert study.planned() == {"sample": 4, **TABLES}


def test_a_backend_is_added_without_making_the_other_anew(study: Study) -> None:
    config = study.config()
    config["segment"]["backends"] = ["classical", "imported"]
    config["analyses"]["readers"] = {"backend": "imported"}
    study.configure(config)
    assert study.planned() == {"segment_imported": 4, "sample": 4, **TABLES}


def test_a_backend_for_some_regions_plans_only_the_tables_where_its_own_are_there(study: Study) -> None:
    """The carotids from another backend, whose tables another analysis has made already."""
    config = study.config()
    config["segment"]["backends"] = ["classical", "imported"]
    config["analyses"]["readers"] = {"backend": "imported"}
    study.configure(config)
    status, said = study.snakemake()
    assert status == 0, said
    config["analyses"]["primary"]["backend_of"] = {"left_common_carotid": "imported"}
    study.configure(config)
    assert study.planned() == TABLES
    config["analyses"]["primary"]["backend_of"]["right_common_carotid"] = "imported"
    study.configure(config)
    assert study.planned() == TABLES


def test_a_backend_for_some_regions_is_segmented_where_its_tables_are_not_there(study: Study) -> None:
    config = study.config()
    config["segment"]["backends"] = ["classical", "imported"]
    config["analyses"]["primary"]["backend_of"] = {"left_common_carotid": "imported"}
    study.configure(config)
    assert study.planned() == {"segment_imported": 4, "sample": 4, **TABLES}


def test_a_new_scan_plans_itself_and_the_tables(study: Study) -> None:
    study.list_scans(ScanRow("0", "baseline", "FDG", "1.0.0", "2.0.0", "yes", "later delivery"), *SCANS)
    one = dict.fromkeys(("ingest", "align", "segment_classical", "sample"), 1)
    assert study.planned() == {**one, **DATASET, **TABLES}


def test_rows_in_another_order_plan_nothing(study: Study) -> None:
    study.list_scans(*reversed(SCANS))
    assert study.planned() == {}


def entered(participant: str, session: str, **cells: Any) -> WorksheetRow:
    return WorksheetRow(**{**dict.fromkeys(WORKSHEET), **cells, "participant": participant, "session": session})


def test_a_corrected_weight_plans_only_the_tables(study: Study) -> None:
    study.enter(entered("1", "baseline", weight_kg=77.0))
    assert study.planned() == TABLES
    status, said = study.snakemake()
    assert status == 0, said
    assert study.planned() == {}
    study.enter(entered("1", "baseline", weight_kg=77.5))
    assert study.planned() == TABLES


def test_a_worksheet_that_says_nothing_new_plans_nothing(study: Study) -> None:
    (study.folder / layout.WORKSHEET).unlink()
    assert study.planned() == {}
    study.enter(entered("1", "followup", source="ward 3"), entered("2", "baseline"))
    assert study.planned() == {}


def test_the_worksheet_of_a_scan_left_out_is_no_input_of_the_others(study: Study) -> None:
    left_out = ScanRow("9", "baseline", "FDG", "1.9.0", "2.9.0", "no", "moved")
    study.list_scans(*SCANS, left_out)
    status, said = study.snakemake()
    assert status == 0, said
    study.enter(entered("9", "baseline", weight_kg=60.0))
    assert study.planned() == {}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([entered("7", "baseline", weight_kg=70.0)], "a row for participant '7', session 'baseline', which"),
        ([entered("1", "baseline", weight_kg=70.0), entered("1", "baseline")], "two rows for sub-1_ses-baseline"),
        ([entered("2", "followup", weight_kg=700.0)], "weight_kg is '700'; allowed is from 1 to 500 kg"),
        ([entered("2", "followup", injection_time="9.30")], "injection_time is '9.30'; allowed is HH:MM"),
    ],
)
def test_a_wrong_worksheet_is_one_message_in_words(study: Study, rows: list[WorksheetRow], words: str) -> None:
    study.enter(*rows)
    status, said = study.snakemake("--dry-run")
    assert status == 1
    assert words in said
    assert "Traceback" not in said


def test_a_moved_point_plans_its_scan_alone(study: Study) -> None:
    points = [
        PointRow(scan.participant, scan.session, "left_common_carotid", -20.0, 5.0, height, None, "A")
        for scan in SCANS
        for height in (60.0, 140.0)
    ]
    write_rows(study.folder / layout.POINTS, points, PointRow)
    assert study.planned() == {}
    config = study.config()
    config["segment"]["backends"] = ["classical", "seeded"]
    config["analyses"]["carotids"] = {"backend": "seeded"}
    study.configure(config)
    assert study.planned() == {"segment_seeded": 4, "sample": 4, **TABLES}
    status, said = study.snakemake()
    assert status == 0, said
    points = [replace(points[0], x_mm=-21.0), *(replace(point, reader="B") for point in reversed(points[1:]))]
    write_rows(study.folder / layout.POINTS, points, PointRow)
    assert study.planned() == {"segment_seeded": 1, "sample": 1, **TABLES}


def test_a_row_that_is_excluded_plans_only_the_tables(study: Study) -> None:
    excluded = ScanRow(**{**asdict(SCANS[-1]), "include": "no", "reason": "moved"})
    study.list_scans(*SCANS[:-1], excluded)
    assert study.planned() == {**DATASET, **TABLES}


def test_another_series_in_a_row_plans_that_scan_anew(study: Study) -> None:
    study.list_scans(*SCANS[:-1], ScanRow(**{**asdict(SCANS[-1]), "ct": "2.9.9"}))
    one = dict.fromkeys(("ingest", "align", "segment_classical", "sample"), 1)
    assert study.planned() == {**one, **DATASET, **TABLES}


def test_a_raised_results_version_plans_its_stage_and_what_follows(study: Study, tmp_path: Path) -> None:
    rules_before, study.workflow = study.workflow, tmp_path / "raised"
    study.copy_rules(rules_before)
    align = study.workflow / "workflow/rules/align.smk"
    align.write_text(align.read_text().replace('RESULTS_VERSION["align"]', 'RESULTS_VERSION["align"] + 1'))
    assert study.planned() == {"align": 4, "sample": 4, **TABLES}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"simple": {}}, "simple"),
        ({"analyses": {"primary": {"quantify": {"coverage": "p42"}}}}, "analyses.primary.quantify.coverage"),
        ({"segment": {"imported": {"path": "masks/{who}.nii.gz"}, "backends": ["imported"]},
          "analyses": {"primary": {"backend": "imported"}}}, "{who}"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_message_in_words(study: Study, edit: dict[str, Any], words: str) -> None:
    study.configure(edit)
    status, said = study.snakemake("--dry-run")
    assert status == 1
    assert words in said
    assert "Traceback" not in said


def test_a_scan_listed_twice_is_one_message_in_words(study: Study) -> None:
    study.list_scans(*SCANS, SCANS[0])
    status, said = study.snakemake("--dry-run")
    assert status == 1
    assert "two rows for sub-1_ses-baseline" in said
    assert "Traceback" not in said


def test_an_unknown_participant_is_one_message_in_words(study: Study) -> None:
    status, said = study.snakemake(
        "--dry-run", layout.path(layout.PET, participant="99", session="baseline").as_posix()
    )
    assert status == 1
    assert "sub-99" in said
    assert "Traceback" not in said


def test_a_verdict_plans_only_the_tables(study: Study) -> None:
    release(study.folder, Place("1", "baseline", "aortic_arch"), why="outline is right", by="reader1")
    assert study.planned() == TABLES


def test_a_scan_that_a_reader_excludes_plans_only_the_tables(study: Study) -> None:
    exclude_scan(study.folder, Place("1", "followup"), why="paravenous", by="reader1")
    assert study.planned() == {**TABLES, **DATASET}
    assert Plan.read(study.folder).scan("1", "followup").reason == "paravenous (ledger entry 3)"


def test_a_decision_that_is_withdrawn_plans_nothing(study: Study) -> None:
    entry = release(study.folder, Place("1", "baseline", "aortic_arch"), why="right", by="reader1").entry
    withdraw(study.folder, entry, why="the other visit", by="reader1")
    assert study.planned() == {}


def test_a_ledger_that_was_edited_by_hand_stops_everything_in_words(study: Study) -> None:
    path = study.folder / layout.LEDGER
    path.write_bytes(path.read_bytes().replace(b'"python": "3', b'"python": "2'))
    status, said = study.snakemake("--dry-run")
    assert status == 1
    assert "Nothing was run." in said
    assert "ledger-broken" in said
