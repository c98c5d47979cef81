"""Bad input is a clear message: which scan or file, what is wrong, what to do. A row has its reason and never a number.

Elsewhere: unknown settings, regions and impossible ranges (`test_settings`, `test_plan`, `test_quantify_layers`,
`test_decisions`), a damaged scan of the delivery (`test_whole_run`), bytes that changed (`test_verify`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from studies import petproc
from typer.testing import CliRunner

from petproc import layout
from petproc.cli import app
from petproc.core.errors import Refusal
from petproc.core.tables import ChangeRow, UptakeRow
from petproc.io import read_json, read_rows, read_table, write_json, write_table
from petproc.settings import RESULTS_VERSION
from petproc.workflow.evidence import tables_of
from petproc.workflow.plan import Plan

BROKEN = {
    ("P001", "baseline"): layout.VOXELS,
    ("P001", "followup"): layout.SAMPLE,
    ("P002", "baseline"): layout.PET_SIDECAR,
}
WHOLE = ("P002", "followup")
ASKED = {
    "starved": {"quantify": {"background": {"volume_ml": 500.0}}},
    "bloodless": {"quantify": {"background": {"region": "inferior_vena_cava"}}},
    "strict": {"quantify": {"gate": {"accept_unscored": False}}},
}
"""Analyses whose blood pool is too small, is not there, and whose vessels need review."""
TBR, SUV = "mean_tbr_max", "mean_suv_max"


def file_of(study: Path, template: str, scan: tuple[str, str]) -> Path:
    return layout.path(template, study, participant=scan[0], session=scan[1], backend="imported")


def name_of(template: str, scan: tuple[str, str]) -> str:
    """As messages have it."""
    return file_of(Path(), template, scan).as_posix()


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def lost(path: Path) -> None:
    path.unlink()


def of_another_version(path: Path) -> None:
    write_json(path, {**read_json(path), "version": RESULTS_VERSION["sample"] - 1})


def without_a_column(path: Path) -> None:
    write_table(path, read_table(path).drop_columns("lung_mm"))


def without_a_score(path: Path) -> None:
    write_table(path, read_table(path).drop_columns("ring_score"))


def of_a_list(path: Path) -> None:
    path.write_text("[]")


@pytest.fixture
def study(ran: Path, tmp_path: Path) -> Path:
    """The study that ran, at another place."""
    return shutil.copytree(ran, tmp_path / "elsewhere" / "study")


@pytest.fixture(scope="module")
def half_copied(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """The study that ran with three scans of which a file is broken and three analyses more, run again."""
    study = shutil.copytree(ran, tmp_path_factory.mktemp("half") / "study")
    cut_short(file_of(study, layout.VOXELS, ("P001", "baseline")))
    emptied(file_of(study, layout.SAMPLE, ("P001", "followup")))
    cut_short(file_of(study, layout.PET_SIDECAR, ("P002", "baseline")))
    config = yaml.safe_load((study / layout.CONFIG).read_text())
    config["analyses"] |= {name: {"extends": "primary", **asked} for name, asked in ASKED.items()}
    (study / layout.CONFIG).write_text(yaml.safe_dump(config))
    said = petproc("run", study, "--cores", "2")
    return study, said.returncode, said.stdout


def said(*arguments: str | Path) -> str:
    """What a command says; a refusal as the command line prints it."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        assert isinstance(result.exception, Refusal), result.exception
        return str(result.exception)
    return result.output


def rows_of(study: Path, scan: tuple[str, str], *, analysis: str = "primary") -> list[UptakeRow]:
    rows = read_rows(layout.path(layout.UPTAKE, study, analysis=analysis), UptakeRow)
    return [row for row in rows if (row.participant, row.session) == scan]


@pytest.mark.parametrize("scan", BROKEN)
def test_a_scan_with_a_broken_file_has_rows_that_name_it_and_no_number(
    half_copied: tuple[Path, int, str], scan: tuple[str, str]
) -> None:
    study, status, words = half_copied
    for analysis in ("primary", *ASKED):
        rows = rows_of(study, scan, analysis=analysis)
        assert {(row.status, row.value) for row in rows} == {("refused", None)}
        assert all((row.reason or "").startswith("result-unreadable: ") for row in rows)
        assert all(name_of(BROKEN[scan], scan) in (row.reason or "") for row in rows)
    assert status != 0
    assert f"{name_of(BROKEN[scan], scan)} is empty, cut short" in words
    assert f"--forcerun {name_of(BROKEN[scan], scan)}" in words
    assert "Traceback" not in words


def test_the_other_scan_keeps_its_numbers_and_its_page(ran: Path, half_copied: tuple[Path, int, str]) -> None:
    study, _, words = half_copied
    assert rows_of(study, WHOLE) == rows_of(ran, WHOLE)
    change = read_rows(layout.path(layout.CHANGE, study, analysis="primary"), ChangeRow)
    assert {row.change for row in change} == {None}
    page = layout.path(layout.REPORT, study, analysis="primary").read_text()
    assert "STUDY P002 followup ascending_aorta mean_tbr_max" in page
    assert name_of(layout.PET_SIDECAR, ("P002", "baseline")) in page
    assert "3 not measured" not in words.splitlines()[-1]


@pytest.mark.parametrize(
    ("analysis", "words"),
    [
        ("starved", "background-refused: No blood pool in superior_vena_cava: only "),
        (
            "bloodless",
            "background-refused: No blood pool in inferior_vena_cava: absent: the masks hold no voxel of it. ",
        ),
    ],
)
def test_without_blood_there_is_no_ratio_and_suv_stays(
    ran: Path, half_copied: tuple[Path, int, str], analysis: str, words: str
) -> None:
    rows = rows_of(half_copied[0], WHOLE, analysis=analysis)
    ratios = [row for row in rows if row.metric == TBR and row.region == "ascending_aorta"]
    assert [(row.status, row.value) for row in ratios] == [("refused", None)]
    assert words in (ratios[0].reason or "")
    before = {(row.region, row.value) for row in rows_of(ran, WHOLE) if row.metric == SUV}
    assert {(row.region, row.value) for row in rows if row.metric == SUV} == before


def test_a_vessel_that_needs_review_has_its_reason_in_every_metric(half_copied: tuple[Path, int, str]) -> None:
    rows = [row for row in rows_of(half_copied[0], WHOLE, analysis="strict") if row.region == "ascending_aorta"]
    assert {(row.status, row.value) for row in rows} == {("refused", None)}
    assert all((row.reason or "").startswith("needs-review: ") for row in rows)
    assert "needs review" in layout.path(layout.REPORT, half_copied[0], analysis="strict").read_text()


def test_files_that_are_copied_again_or_made_anew_give_the_numbers_back(
    ran: Path, half_copied: tuple[Path, int, str], tmp_path: Path
) -> None:
    study = shutil.copytree(half_copied[0], tmp_path / "study")
    (study / layout.CONFIG).write_bytes((ran / layout.CONFIG).read_bytes())
    for scan, template in BROKEN.items():
        if template != layout.SAMPLE:
            shutil.copyfile(file_of(ran, template, scan), file_of(study, template, scan))
    anew = name_of(layout.SAMPLE, ("P001", "followup"))
    assert petproc("run", study, "--cores", "2", "--forcerun", anew).returncode == 0
    table = layout.path(layout.UPTAKE, analysis="primary")
    assert (study / table).read_bytes() == (ran / table).read_bytes()


@pytest.mark.parametrize(
    ("template", "spoil", "code", "words"),
    [
        (layout.VOXELS, lost, "result-missing", "is not there"),
        (layout.VOXELS, emptied, "result-unreadable", "empty, cut short"),
        (layout.VOXELS, without_a_column, "table-columns", "lacks the column lung_mm"),
        (layout.STATIONS, cut_short, "result-unreadable", "empty, cut short"),
        (layout.STATIONS, without_a_score, "table-columns", "lacks the column ring_score"),
        (layout.SAMPLE, lost, "result-missing", "is not there"),
        (layout.SAMPLE, of_a_list, "result-unreadable", "not what was written there"),
        (layout.SAMPLE, of_another_version, "tables-version", "this program reads version"),
        (layout.PET_SIDECAR, lost, "result-missing", "is not there"),
    ],
)
def test_tables_that_are_not_as_this_version_leaves_them_refuse_their_scan_by_name(
    study: Path, template: str, spoil: Callable[[Path], None], code: str, words: str
) -> None:
    scan = ("P001", "baseline")
    spoil(file_of(study, template, scan))
    plan = Plan.read(study)
    refused = tables_of(study, plan, plan.settings.analyses["primary"], scan).refused
    assert refused
    assert refused.code == code
    assert name_of(template, scan) in refused.reason
    assert words in refused.reason
    assert f"petproc run STUDY --forcerun {name_of(template, scan)}" in refused.remedy
    assert not tables_of(study, plan, plan.settings.analyses["primary"], WHOLE).refused


NUMBER = ("P001", "baseline", "ascending_aorta")


@pytest.mark.parametrize(
    ("template", "commands"),
    [
        (layout.UPTAKE, [("status",), ("explain", *NUMBER), ("diff", "primary", "primary")]),
        (layout.QUANTIFY, [("explain", *NUMBER), ("diff", "primary", "primary")]),
        (layout.COMPARE, [("explain", *NUMBER), ("diff", "primary", "primary")]),
        (layout.SAMPLE, [("explain", *NUMBER)]),
        (layout.PET_SIDECAR, [("explain", *NUMBER)]),
        (layout.SEGMENTATION, [("explain", *NUMBER)]),
    ],
)
def test_commands_name_a_file_that_was_cut_short(study: Path, template: str, commands: list[tuple[str, ...]]) -> None:
    scan = {"participant": "P001", "session": "baseline", "backend": "imported", "analysis": "primary"}
    path, name = layout.path(template, study, **scan), layout.path(template, **scan).as_posix()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 - 3])
    for command, *others in commands:
        words = said(command, study, *others)
        assert name in words, command
        assert f"--forcerun {name}" in words, command
    assert name in said("verify", study, "--all")


def test_a_table_that_was_lost_below_its_analysis_is_named_by_status_and_verify(study: Path) -> None:
    """A run does not miss it: everything that follows from it is there."""
    name = name_of(layout.SAMPLE, ("P001", "baseline"))
    (study / name).unlink()
    words = said("status", study)
    assert f"{name} is not there" in words
    assert f"--forcerun {name}" in words
    assert f"{name}: is missing" in said("verify", study)


def test_a_study_that_was_moved_is_as_it_was(ran: Path, study: Path) -> None:
    assert "Nothing to do" in petproc("plan", study).stdout
    assert "Everything that was checked follows." in said("verify", study)
    assert said("explain", study, *NUMBER) == said("explain", ran, *NUMBER)


def test_a_folder_without_its_config_is_no_study(study: Path) -> None:
    (study / layout.CONFIG).unlink()
    for command in (("status",), ("explain", *NUMBER), ("verify",), ("unblind", "--why", "locked")):
        assert "[no-study]" in said(command[0], study, *command[1:])


def test_a_line_of_the_ledger_edited_by_hand_is_named_by_every_command(study: Path) -> None:
    path = study / layout.LEDGER
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], lines[1].replace(b'"status": "ok"', b'"status": "OK"'), *lines[2:]]))
    before = path.read_bytes()
    verdict = ("release", str(study), *NUMBER, "--why", "right", "--by", "r1")
    for command in (("status", study), ("explain", study, *NUMBER), ("history", study), ("verdict", *verdict)):
        words = said(*command)
        assert "Line 2 of decisions/ledger.jsonl is not as it was written." in words, command
        assert "Bring the file back from a backup" in words, command
    assert f"{layout.LEDGER}, line 2: It does not have the hash" in said("verify", study)
    assert "Line 2 of decisions/ledger.jsonl" in petproc("run", study, "--cores", "1").stdout
    assert path.read_bytes() == before
