"""config/index: where the files are, and what becomes of it when they move."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dicom_twin import CT_SERIES, PET_SERIES, SLICES, files, in_folder, in_zip
from inventory_twin import both, config, findings, index, query, scans

from petproc.ingest import ingest_scan
from petproc.ingest.index import read_index
from petproc.ingest.inventory import take_inventory
from petproc.settings import IngestSettings


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return tmp_path / "study"


def ingested(study: Path) -> float:
    """A voxel of the first scan, read through the index."""
    (row,) = scans(study)
    rows = [read_index(study, uid) for uid in (row.pet, row.ct)]
    return float(ingest_scan(*rows, settings=IngestSettings(), threads=1, scan="s").pet.data[3, 5, 7])


def test_a_delivery_inside_the_study_is_indexed_from_there_and_moves_with_it(
    tmp_path: Path, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_folder(study / "deliveries" / "a", both())
    monkeypatch.chdir(tmp_path)
    take_inventory(Path("study"), [Path("study/deliveries")])
    assert {row.path for row in index(study, PET_SERIES)} == {
        f"deliveries/a/pt-{n:02d}.dcm" for n in range(1, SLICES + 1)
    }
    shutil.move(study, tmp_path / "elsewhere")
    assert ingested(tmp_path / "elsewhere") == 0.75 * 753
    monkeypatch.chdir(tmp_path / "elsewhere")  # as the workflow's jobs do
    assert all(Path(row.path).is_file() for row in index(Path(), CT_SERIES))


def test_a_delivery_elsewhere_is_indexed_absolutely(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", both())])
    assert all(row.path.startswith(str(tmp_path / "in")) for row in index(study, PET_SERIES))


@pytest.mark.parametrize("archive", [False, True])
def test_a_delivery_that_moved_is_found_again(tmp_path: Path, study: Path, archive: bool) -> None:
    take_inventory(study, [in_folder(tmp_path / "old", both())])
    before = config(study)
    shutil.rmtree(tmp_path / "old")
    new = in_zip(tmp_path / "new.zip", both()) if archive else in_folder(tmp_path / "new", both())
    take_inventory(study, [new])
    assert all(row.path.startswith(str(new)) for row in index(study, PET_SERIES))
    assert ingested(study) == 0.75 * 753
    told = query_of(study, PET_SERIES)
    assert (told.code, told.severity, told.value) == ("delivery-moved", "info", f"{SLICES} files")
    changed = {Path(name).name for name, data in config(study).items() if before.get(name) != data}
    assert changed == {f"{PET_SERIES}.tsv", f"{CT_SERIES}.tsv", "findings.tsv"}


def query_of(study: Path, subject: str):
    from inventory_twin import queries

    (row,) = (row for row in queries(study) if row.subject == subject)
    return row


def test_while_the_old_files_are_there_the_index_stays(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "old", both())])
    before = config(study)
    take_inventory(study, [in_folder(tmp_path / "new", both())])
    assert config(study) == before


def test_files_of_another_size_do_not_take_the_place_of_those_that_are_gone(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "old", both())])
    before = index(study, PET_SERIES)
    shutil.rmtree(tmp_path / "old")
    longer = files("PT", lambda one, _: setattr(one, "ImageComments", "a comment that was not there")) | files("CT")
    take_inventory(study, [in_folder(tmp_path / "new", longer)])
    assert index(study, PET_SERIES) == before
    assert query(study, "series-changed").subject == PET_SERIES


def test_a_part_that_moved_is_found_and_the_rest_stays(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "old", both())])
    (tmp_path / "old" / "pt-03.dcm").unlink()
    take_inventory(study, [in_folder(tmp_path / "new", {"pt-03.dcm": both()["pt-03.dcm"]})])
    paths = [Path(row.path) for row in index(study, PET_SERIES)]
    assert sum(path.is_relative_to(tmp_path / "new") for path in paths) == 1
    assert ingested(study) == 0.75 * 753
    assert findings(study)[PET_SERIES] == "delivery-moved"
