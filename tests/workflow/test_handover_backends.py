"""Tables of several backends between the stages: each region finds its own, each figure and finding its place."""

from __future__ import annotations

import base64
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "quantify"))

import pyarrow as pa
from hand_made import AORTA, CAVA, acquisition, scan_of

from petproc.core.errors import Finding
from petproc.core.regions import LABEL_NAMES
from petproc.core.tables import ChangeRow, FragilityRow, InputRow, ScanRow, SliceRow, UptakeRow, VesselRow
from petproc.io import read_rows, write_json, write_rows, write_table
from petproc.quantify import ScanTables, quantify_scan, quantify_study
from petproc.settings import Analysis
from petproc.workflow.handover.tables import read_content, scan_tables, write_quantified

SCANS = [ScanRow(person, "baseline", "FDG", "1", "2", "yes", "") for person in ("01", "02")]
DESCENDING = "descending_aorta"
OK = {"status": "ok", "refusal": None, "findings": []}
REFUSED = {**OK, "status": "refused", "refusal": {"code": "mask-missing", "reason": "None.", "remedy": "Give it."}}
MIXED = Analysis.model_validate({"backend_of": {DESCENDING: "imported"}, "quantify": {"regions": [DESCENDING]}})


def tables(person: int, backend: str) -> ScanTables:
    """The imported aorta of every participant is wider and hotter than the classical one."""
    aorta = replace(AORTA, hottest=dict.fromkeys(range(20), 9000.0 + 100.0 * person))
    if backend == "imported":
        aorta = replace(aorta, radius=13.0, hottest=dict.fromkeys(range(20), 12000.0 + 100.0 * person))
    return scan_of(aorta, CAVA)


def write_sampled(folder: Path, scan: ScanTables, record: dict[str, Any]) -> tuple[Path, Path, Path]:
    regions = [LABEL_NAMES[value] for value in scan.voxels["region"].tolist()]
    voxels = pa.table({**scan.voxels, "region": pa.array(regions).dictionary_encode()})
    files = folder / "voxels.parquet", folder / "stations.parquet", folder / "sample.json"
    write_table(files[0], voxels)
    write_table(files[1], pa.table(dict(scan.stations)))
    write_json(files[2], {**record, **scan.sample})
    return files


@pytest.fixture
def sampled(tmp_path: Path) -> SimpleNamespace:
    """Files in the order in which the rules give them: both scans of the first backend, then both of the second. The
    second participant has no mask."""
    files: dict[str, list[Path]] = {"voxels": [], "stations": [], "sample": [], "pet_sidecar": []}
    for backend in MIXED.backends:
        for person, row in enumerate(SCANS):
            record = REFUSED if (backend, row.participant) == ("imported", "02") else OK
            found = [{"code": backend, "message": f"{backend} of {row.participant}", "severity": "info"}]
            made = write_sampled(
                tmp_path / backend / row.participant, tables(person, backend), {**record, "findings": found}
            )
            for name, path in zip(("voxels", "stations", "sample"), made, strict=True):
                files[name].append(path)
    for row in SCANS:
        sidecar = tmp_path / f"{row.participant}_pet.json"
        write_json(sidecar, {"petproc": {**OK, "acquisition": acquisition().to_json()}})
        files["pet_sidecar"].append(sidecar)
    return SimpleNamespace(**files)


def test_every_region_is_read_from_the_tables_of_its_backend(sampled: SimpleNamespace) -> None:
    first, second = (read() for read in scan_tables(sampled, SCANS, {}, MIXED))
    assert (first.backend, first.of_region[DESCENDING].backend) == ("classical", "imported")
    assert float(first.voxels["activity"].max()) == 9000.0
    assert float(first.of_region[DESCENDING].voxels["activity"].max()) == 12000.0
    assert float(second.voxels["activity"].max()) == 9100.0
    assert second.refusal is None
    assert second.of_region[DESCENDING].refusal == REFUSED["refusal"]


def test_a_study_by_two_backends_is_quantified_from_files_as_in_memory(
    sampled: SimpleNamespace, tmp_path: Path
) -> None:
    quantified = list(quantify_study(scan_tables(sampled, SCANS, {}, MIXED), MIXED.quantify))
    alone = quantify_scan(tables(0, "imported"), MIXED.quantify)
    assert [row.suv_max for row in quantified[0].slices] == [row.suv_max for row in alone.slices]
    assert quantified[1].slices == []
    names = ("slices", "uptake", "vessels", "inputs", "quantify")
    files = SimpleNamespace(**{name: tmp_path / name for name in names})
    write_quantified(files, SCANS, quantified, OK)
    vessels = read_rows(files.vessels, VesselRow)
    assert [(row.participant, row.region, row.backend, row.status) for row in vessels] == [
        ("01", DESCENDING, "imported", "accepted"),
        ("01", "superior_vena_cava", "classical", "accepted"),
        ("02", DESCENDING, "imported", "absent"),
        ("02", "superior_vena_cava", "classical", "accepted"),
    ]
    assert vessels[2].reason == "mask-missing: None. Give it."


@pytest.mark.parametrize("count", [1, 3])
def test_scans_and_what_was_measured_of_them_must_be_as_many(
    count: int, sampled: SimpleNamespace, tmp_path: Path
) -> None:
    measured = next(quantify_study(scan_tables(sampled, SCANS, {}, MIXED), MIXED.quantify))
    files = SimpleNamespace(**{name: tmp_path / name for name in ("slices", "uptake", "vessels", "inputs", "quantify")})
    with pytest.raises(ValueError, match="argument"):
        write_quantified(files, SCANS, [measured] * count, OK)


def test_an_analysis_of_one_backend_reads_no_other(sampled: SimpleNamespace) -> None:
    one = Analysis(quantify=MIXED.quantify)
    files = SimpleNamespace(**{name: paths[:2] for name, paths in vars(sampled).items()})
    assert [dict(read().of_region) for read in scan_tables(files, SCANS, {}, one)] == [{}, {}]


def test_the_page_has_findings_of_every_backend_and_its_figures_of_what_is_measured_with_it(
    sampled: SimpleNamespace, tmp_path: Path
) -> None:
    files = SimpleNamespace(**vars(sampled), segmentation=[], overlays=[], alignment=[])
    for backend in MIXED.backends:
        for row in SCANS:
            overlay, segmentation = (tmp_path / f"{backend}{row.participant}_{what}.json" for what in ("o", "s"))
            picture = base64.b64encode(f"{backend} {row.participant}".encode()).decode()
            write_json(overlay, {**OK, "figures": dict.fromkeys(("overview", DESCENDING, "abdominal_aorta"), picture)})
            write_json(segmentation, OK)
            files.overlays.append(overlay)
            files.segmentation.append(segmentation)
    empty = {"slices": SliceRow, "uptake": UptakeRow, "vessels": VesselRow, "inputs": InputRow, "change": ChangeRow}
    empty |= {"fragility": FragilityRow}
    for name, kind in empty.items():
        setattr(files, name, tmp_path / f"{name}.tsv")
        write_rows(getattr(files, name), [], kind)
    for n, row in enumerate(SCANS):
        files.alignment.append(tmp_path / f"{row.participant}_align.json")
        write_json(files.alignment[n], OK)
    files.quantify, files.compare = tmp_path / "quantify.json", tmp_path / "compare.json"
    write_json(files.quantify, {**OK, "scans": {f"sub-{row.participant}_ses-baseline": [] for row in SCANS}})
    write_json(files.compare, {**OK, "participants": {}})
    content = read_content(files, SCANS, MIXED)
    assert content.overlays["sub-02_ses-baseline"] == {
        "overview_classical": b"classical 02",
        "overview_imported": b"imported 02",
        f"{DESCENDING}_imported": b"imported 02",
    }
    assert content.findings["sub-01_ses-baseline"] == [
        Finding(backend, f"{backend} of 01", "info") for backend in MIXED.backends
    ]
