"""What every script runs in: whole or nothing, refusals as files, bugs as failures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from petproc.core.errors import Finding, Refusal
from petproc.core.tables import ChangeRow, SliceRow, Station, UptakeRow
from petproc.io import read_json, read_rows, read_table, write_json
from petproc.settings import AlignSettings
from petproc.workflow.handover.images import (
    read_acquisition,
    read_alignment,
    read_ct,
    read_overlays,
    read_pet,
    read_segmentation,
)
from petproc.workflow.handover.tables import read_quantified
from petproc.workflow.job import job


class Named(dict[str, Any]):
    """As much of Snakemake's named lists as a job sees."""


def snakemake(folder: Path, *outputs: str, **params: Any) -> SimpleNamespace:
    return SimpleNamespace(
        input=Named(),
        output=Named({name: str(folder / name) for name in outputs}),
        params=Named({"version": 3, "settings": {"apply": True, "warn_mm": 2.0}, **params}),
        wildcards=Named(participant="01", session="baseline"),
        log=[str(folder / "logs/job.log")],
        threads=2,
    )


def refused(folder: Path, *outputs: str, stage: str) -> SimpleNamespace:
    """The outputs of a job that refused, by name."""
    with job(snakemake(folder, *outputs), stage):
        raise Refusal("no-dose", "There is no dose.", "Ask the site for it.")
    return SimpleNamespace(**{name: folder / name for name in outputs})


def test_a_bug_of_ingest_is_in_the_log_without_words_that_may_quote_the_delivery(tmp_path: Path) -> None:
    def buggy() -> None:
        with job(snakemake(tmp_path, "pet"), "ingest"):
            try:
                raise ValueError("Doe^Jane")
            except ValueError as error:
                raise OSError("/deliveries/doe/ct.dcm") from error

    with pytest.raises(SystemExit, match="1"):
        buggy()
    log = (tmp_path / "logs/job.log").read_text()
    assert "in buggy" in log
    assert "OSError" in log
    assert "Doe" not in log.replace('raise ValueError("Doe^Jane")', "")
    assert "ct.dcm" not in log.replace('raise OSError("/deliveries/doe/ct.dcm") from error', "")


def test_outputs_appear_together_when_the_job_ends(tmp_path: Path) -> None:
    with job(snakemake(tmp_path, "alignment", "sample"), "align") as run:
        write_json(run.output.alignment, {})
        assert not (tmp_path / "alignment").exists()
        write_json(run.output.sample, {})
    assert {path.name for path in tmp_path.iterdir()} == {"alignment", "sample", "logs"}


def test_a_bug_fails_the_job_leaves_no_output_and_is_in_the_log(tmp_path: Path) -> None:
    def buggy() -> None:
        with job(snakemake(tmp_path, "alignment"), "align") as run:
            write_json(run.output.alignment, {})
            raise ZeroDivisionError("a bug")

    with pytest.raises(SystemExit, match="1"):
        buggy()
    assert {path.name for path in tmp_path.iterdir()} == {"logs"}
    assert "ZeroDivisionError: a bug" in (tmp_path / "logs/job.log").read_text()


def test_a_record_says_how_the_job_ended_and_what_it_ran_with(tmp_path: Path) -> None:
    noticed = Finding("offset-large", "PET and CT are 4 mm apart.")
    with job(snakemake(tmp_path, "alignment"), "align") as run:
        assert run.scan == "sub-01_ses-baseline"
        assert run.settings(AlignSettings) == AlignSettings(apply=True, warn_mm=2.0)
        write_json(run.output.alignment, run.record([noticed]))
    record = read_json(tmp_path / "alignment")
    assert (record["stage"], record["status"], record["refusal"], record["version"]) == ("align", "ok", None, 3)
    assert record["findings"] == [noticed.to_json()]
    assert record["settings"] == {"apply": True, "warn_mm": 2.0}
    assert "4 mm apart" in (tmp_path / "logs/job.log").read_text()


def test_a_refusal_does_not_fail_the_job_and_is_in_every_record(tmp_path: Path) -> None:
    files = refused(tmp_path, "sample", "overlays", stage="sample")
    for path in (files.sample, files.overlays):
        assert read_json(path)["status"] == "refused"
        assert read_json(path)["refusal"] == {
            "code": "no-dose",
            "reason": "There is no dose.",
            "remedy": "Ask the site for it.",
        }
    assert "no-dose" in (tmp_path / "logs/job.log").read_text()


@pytest.mark.parametrize(
    ("stage", "outputs", "read"),
    [
        ("ingest", ("pet", "pet_sidecar"), read_pet),
        ("ingest", ("ct", "ct_sidecar"), read_ct),
        ("ingest", ("pet", "pet_sidecar"), lambda files: read_acquisition(files.pet_sidecar)),
        ("segment", ("labels", "label_names", "segmentation", "centrelines"), read_segmentation),
        ("align", ("alignment",), read_alignment),
        ("quantify", ("slices", "uptake", "quantify"), read_quantified),
    ],
)
def test_what_was_refused_is_refused_again_by_its_reader(
    stage: str, outputs: tuple[str, ...], read: Any, tmp_path: Path
) -> None:
    with pytest.raises(Refusal) as again:
        read(refused(tmp_path, *outputs, stage=stage))
    assert (again.value.code, again.value.remedy) == ("no-dose", "Ask the site for it.")


def test_refused_outputs_are_valid_and_empty(tmp_path: Path) -> None:
    images = refused(tmp_path, "pet", "ct", "labels", stage="ingest")
    for path in vars(images).values():
        assert _image(path).shape == (1, 1, 1)
        assert not _image(path).any()
    tables = refused(tmp_path, "voxels", "stations", "slices", "uptake", "change", "centrelines", stage="sample")
    assert read_table(tables.voxels).num_rows == 0
    assert "depth_p50" in read_table(tables.voxels).column_names
    assert read_table(tables.stations).num_rows == 0
    for path, kind in (
        (tables.slices, SliceRow),
        (tables.uptake, UptakeRow),
        (tables.change, ChangeRow),
        (tables.centrelines, Station),
    ):
        assert read_rows(path, kind) == []
    assert read_overlays(refused(tmp_path, "overlays", stage="sample").overlays) == {}
    assert "There is no dose." in refused(tmp_path, "report", stage="report").report.read_text()


def _image(path: Path) -> Any:
    import nibabel as nib
    import numpy as np
    from isal import igzip

    return np.asarray(nib.Nifti1Image.from_bytes(igzip.decompress(path.read_bytes())).dataobj)
