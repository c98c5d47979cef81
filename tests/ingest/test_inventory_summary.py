"""What an inventory prints: the scans it proposes with their reasons, and what waits for an answer."""

from __future__ import annotations

from pathlib import Path

from dicom_twin import files, in_folder
from inventory_twin import both, visit
from typer.testing import CliRunner

from petproc import cli


def said(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["inventory", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_scans_queries_and_where_they_are_is_told(tmp_path: Path) -> None:
    CliRunner().invoke(cli.app, ["init", str(tmp_path / "study")], catch_exceptions=False)
    one = in_folder(tmp_path / "one", both(visit("A", 3)))
    two = in_folder(tmp_path / "two", files("PT", visit("B", 4, Units="PROPCNTS")))
    first = said(str(tmp_path / "study"), str(one))
    assert "20 files, 2 new series; 1 scan added to config/scans.tsv, 0 were there" in first
    assert "sub-001_ses-baseline" in first
    assert all(words in first for words in ("attenuation-corrected,", "BQML", "same study", "covers 100 %"))
    assert "No query to the site is open." in first
    second = said(str(tmp_path / "study"), str(two))
    assert "2 open queries in config/findings.tsv, 1 of which keep a scan from being measured" in second
    assert "ct-missing" in second
    assert "refusal" in second


def test_the_tracer_of_the_config_is_taken_and_that_of_the_command_outranks_it(tmp_path: Path) -> None:
    study = tmp_path / "study"
    (study / "config").mkdir(parents=True)
    (study / "config/config.yaml").write_text("ingest:\n  tracer: NaF\n")
    said(str(study), str(in_folder(tmp_path / "one", both(visit("A", 3)))))
    said(str(study), str(in_folder(tmp_path / "two", both(visit("B", 4)))), "--tracer", "FDG")
    rows = (study / "config/scans.tsv").read_text().splitlines()[1:]
    assert [row.split("\t")[2] for row in rows] == ["NaF", "FDG"]
