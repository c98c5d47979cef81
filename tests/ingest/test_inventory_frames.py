"""Multi-frame files: images are counted, not files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dicom_twin import CT_SERIES, PET_SERIES, SLICES, encoded, in_folder
from inventory_twin import findings, index, scans, series
from multiframe_twin import enhanced, legacy
from pydicom.dataset import Dataset

from petproc.ingest import ingest_scan
from petproc.ingest.inventory import take_inventory
from petproc.settings import IngestSettings


@pytest.mark.parametrize("made", [enhanced, legacy])
def test_one_file_per_series_is_a_scan_of_many_images(tmp_path: Path, made: Callable[[str], Dataset]) -> None:
    content = {f"{modality}.dcm": encoded(made(modality)) for modality in ("PT", "CT")}
    take_inventory(tmp_path / "study", [in_folder(tmp_path / "in", content)])
    (row,) = scans(tmp_path / "study")
    assert (row.pet, row.ct, row.include) == (PET_SERIES, CT_SERIES, "yes")
    assert f"BQML, {SLICES} slices over {4 * (SLICES - 1)} mm" in row.reason
    assert {one.instances for one in series(tmp_path / "study").values()} == {SLICES}
    files = [index(tmp_path / "study", uid) for uid in (row.pet, row.ct)]
    assert [len(rows) for rows in files] == [1, 1]
    done = ingest_scan(*files, settings=IngestSettings(), threads=1, scan="s")
    assert done.pet.data[3, 5, 7] == 0.75 * 753


def test_frames_that_are_not_what_is_counted_are_a_finding(tmp_path: Path) -> None:
    def change(one: Dataset) -> None:
        one.NumberOfFrames = SLICES + 3

    content = {"pt.dcm": encoded(enhanced("PT", change)), "ct.dcm": encoded(enhanced("CT"))}
    take_inventory(tmp_path / "study", [in_folder(tmp_path / "in", content)])
    assert set(findings(tmp_path / "study").values()) & {"frames-inconsistent", "file-truncated"}
