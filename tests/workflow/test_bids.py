"""The raw output is a BIDS dataset, by the word of the official validator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dicom_twin import Change, files, in_folder, index, setting

from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.tables import ScanRow
from petproc.ingest import ingest_scan
from petproc.ingest.dataset import raw_dataset
from petproc.settings import IngestSettings
from petproc.workflow.handover.dataset import read_sidecars, write_dataset
from petproc.workflow.handover.images import write_ingested
from petproc.workflow.handover.refused import write_refused

VALIDATOR = Path(sys.executable).parent / "bids-validator-deno"
NAMES = ("pet", "pet_sidecar", "ct", "ct_sidecar")
DATASET = {
    "description": layout.DATASET,
    "readme": layout.README,
    "participants": layout.PARTICIPANTS,
    "participants_sidecar": layout.PARTICIPANTS_SIDECAR,
    "ignored": layout.BIDS_IGNORED,
    "derived": layout.DERIVED_DATASET,
}
NO_DOSE = setting(RadionuclideTotalDose=None)


def errors(dataset: Path, home: Path) -> tuple[list[str], dict[str, Any]]:
    """What is wrong with the dataset by the validator's own schema, and its summary; no network is asked."""
    environment = {**os.environ, "HOME": str(home), "DENO_DIR": str(home / "deno"), "DENO_NO_UPDATE_CHECK": "1"}
    command = [str(VALIDATOR), str(dataset), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=home)
    said = json.loads(done.stdout)
    issues = said["issues"]["issues"]
    return [
        f"{one['code']} {one.get('subCode', '')} {one['location']}" for one in issues if one["severity"] == "error"
    ], said["summary"]


def scan(folder: Path, row: ScanRow, change: Change | None) -> None:
    """Images and sidecars of a scan of the twin, or what a refused one leaves."""
    names = {"participant": row.participant, "session": row.session}
    outputs = SimpleNamespace(
        **{name: layout.path(getattr(layout, name.upper()), folder, **names) for name in NAMES},
    )
    delivery = in_folder(folder / "dicom" / row.pet, files("PT", change) | files("CT"))
    record: dict[str, Any] = {"status": "ok", "refusal": None, "findings": []}
    try:
        done = ingest_scan(
            index(delivery, "PT"), index(delivery, "CT"), settings=IngestSettings(), threads=1, scan="a scan"
        )
        write_ingested(outputs, done, record)
    except Refusal as refusal:
        write_refused(outputs, {**record, "status": "refused", "refusal": refusal.to_json()})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of tiny scans: two that are well, one without a dose, one refused."""
    study = tmp_path_factory.mktemp("bids")
    changes = {
        ("001", "baseline"): None,
        ("001", "followup"): setting(ReconstructionMethod="PSF+TOF 4i21s", ConvolutionKernel="XYZ Gauss5.00"),
        ("002", "baseline"): NO_DOSE,
        ("003", "baseline"): setting(Units="PROPCNTS"),
    }
    rows = [ScanRow(*names, "FDG", str(n), "", "yes", "") for n, names in enumerate(changes)]
    for row, change in zip(rows, changes.values(), strict=True):
        scan(study, row, change)
    rows.append(ScanRow("005", "baseline", "FDG", "5", "", "no", "moved"))
    (study / "results/scans").mkdir()
    included = [row for row in rows if row.include == "yes"]
    paths = [
        layout.path(layout.PET_SIDECAR, study, **{key: asdict(row)[key] for key in ("participant", "session")})
        for row in included
    ]
    outputs = SimpleNamespace(**{name: study / path for name, path in DATASET.items()})
    write_dataset(outputs, raw_dataset(rows, read_sidecars(paths), version="0"))
    return study


def test_a_dataset_with_refused_scans_is_valid_and_holds_the_others(made: Path, tmp_path: Path) -> None:
    wrong, summary = errors(made / "results/raw", tmp_path)
    assert wrong == []
    assert summary["subjects"] == ["001"]
    assert sorted(summary["sessions"]) == ["baseline", "followup"]


def test_without_the_list_of_what_is_left_out_the_dataset_is_not_valid(made: Path, tmp_path: Path) -> None:
    ignored = made / layout.BIDS_IGNORED
    text = ignored.read_text()
    try:
        for line in ("ct", "sub-002/ses-baseline", "sub-003/ses-baseline"):
            ignored.write_text(text.replace(f"{line}\n", ""))
            assert errors(made / "results/raw", tmp_path)[0], line
    finally:
        ignored.write_text(text)


def test_the_readme_says_why_a_scan_is_left_out(made: Path) -> None:
    readme = (made / layout.README).read_text()
    assert "sub-002/ses-baseline: not told by the delivery: InjectedRadioactivity" in readme
    assert "sub-003/ses-baseline: refused (" in readme
    assert "sub-005/ses-baseline: excluded" in readme


def test_participants_are_told_by_their_label_alone(made: Path) -> None:
    assert (made / layout.PARTICIPANTS).read_text().splitlines() == [
        "participant_id",
        *(f"sub-{label}" for label in ("001", "002", "003", "005")),
    ]


def test_a_whole_run_leaves_a_valid_dataset_and_a_derivative(ran: Path, tmp_path: Path) -> None:
    wrong, summary = errors(ran / "results/raw", tmp_path)
    assert wrong == []
    assert sorted(summary["subjects"]) == ["P001", "P002"]
    derived = json.loads((ran / layout.DERIVED_DATASET).read_text())
    assert (derived["DatasetType"], derived["GeneratedBy"][0]["Name"]) == ("derivative", "petproc")
