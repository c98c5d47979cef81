"""A question to a scan that was measured opens tables and sidecars, and neither an image nor a file of a delivery."""

from __future__ import annotations

import contextlib
import runpy
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hand_made import AORTA, CAVA, acquisition, scan_of

from petproc import layout
from petproc.core.grid import Grid
from petproc.core.regions import LABEL_NAMES
from petproc.core.tables import ChangeRow, FragilityRow, ScanRow
from petproc.core.volume import Volume
from petproc.io import read_json, read_rows, read_volume, write_json, write_table, write_volume
from petproc.settings import Analysis, plain
from petproc.workflow.study import workflow_root

OK = {"status": "ok", "refusal": None, "findings": []}
DESCENDING = "descending_aorta"
ANALYSIS = Analysis.model_validate(
    {
        "quantify": {"regions": [DESCENDING], "further_metrics": ["max_suv_peak"]},
        "compare": {"index_candidates": [DESCENDING]},
    }
)
SCANS = [ScanRow("01", session, "FDG", "1.1", "2.1", "yes", "") for session in ("baseline", "followup")]
QUANTIFIED = ("slices", "uptake", "vessels", "inputs", "quantify")
FIRM = ("fragility", "fragility_sidecar")
SWEPT = ("specifications", "changes", "curve", "multiverse", "page")
READABLE = (".parquet", ".json", ".tsv", ".log", ".unfinished")
"""What the two jobs may open in a study; their outputs have other names until they are whole."""

opened: list[str] | None = None


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if opened is not None and event in ("open", "os.open", "sqlite3.connect", "mmap.__new__"):
        opened.append(str(arguments[0]))


@pytest.fixture(scope="module")
def _hook() -> None:
    """Audit hooks stay as long as the process, so that there is one, and it hears only where it is asked to."""
    sys.addaudithook(_listen)


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    global opened
    opened = found = []
    try:
        yield found
    finally:
        opened = None


class Named(dict[str, Any]):
    """As much of Snakemake's named lists as a job sees."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two visits as `sample` leaves them, with images beside the tables and the delivery from which they came."""
    monkeypatch.chdir(tmp_path)
    image = Volume(np.zeros((2, 2, 2), np.float32), Grid((2, 2, 2), np.eye(4)), "Bq/mL")
    for row in SCANS:
        scan = scan_of(AORTA, CAVA)
        arc = scan.stations["arc_mm"] - 30.0
        names = [LABEL_NAMES[value] for value in scan.voxels["region"].tolist()]
        for template in (layout.PET, layout.CT, layout.LABELS):
            write_volume(place(template, row), image)
        write_table(place(layout.VOXELS, row), pa.table({**scan.voxels, "region": names}))
        write_table(place(layout.STATIONS, row), pa.table({**scan.stations, "arc_mm": arc}))
        write_json(place(layout.SAMPLE, row), {**OK, **scan.sample})
        write_json(place(layout.PET_SIDECAR, row), {"petproc": {**OK, "acquisition": acquisition().to_json()}})
    delivery = tmp_path / "delivery/1.dcm"
    delivery.parent.mkdir()
    delivery.write_bytes(b"\0" * 128 + b"DICM")
    return tmp_path


def place(template: str, row: ScanRow) -> Path:
    return layout.path(template, participant=row.participant, session=row.session, backend="classical")


def run(script: str, *outputs: str, settings: Any, **inputs: Any) -> list[str]:
    """The workflow's own script as Snakemake runs it; what it opened in the study."""
    everything = {name: f"results/made/{name}" for name in outputs}
    snakemake = SimpleNamespace(
        input=Named(inputs),
        output=Named(everything),
        params=Named(
            settings=settings,
            quantify=plain(ANALYSIS.quantify),
            name="robust",
            scans=[asdict(row) for row in SCANS],
            worksheet=[],
            verdicts=[],
        ),
        wildcards=Named(),
        log=[f"results/logs/{script}.log"],
        threads=1,  # what another process opens is not heard
    )
    with heard() as found:
        runpy.run_path(str(workflow_root() / f"workflow/scripts/{script}.py"), init_globals={"snakemake": snakemake})
    inside = [Path(path) for path in found if (Path.cwd() / path).is_relative_to(Path.cwd())]
    return [path.name for path in inside]


def of_scans(*names: str) -> dict[str, list[str]]:
    return {name: [str(place(getattr(layout, name.upper()), row)) for row in SCANS] for name in names}


@pytest.mark.usefixtures("_hook")
def test_quantify_compare_and_fragility_open_no_image(study: Path) -> None:
    tables = of_scans("voxels", "stations", "sample", "pet_sidecar")
    quantified = run("quantify", *QUANTIFIED, settings=plain(ANALYSIS), **tables)
    made = {name: f"results/made/{name}" for name in QUANTIFIED}
    compared = run(
        "compare",
        *("change", "compare"),
        settings=plain(ANALYSIS.compare),
        **{**made, "pet_sidecar": tables["pet_sidecar"]},
    )
    everything = {**made, "change": "results/made/change", "compare": "results/made/compare"}
    moved = run("fragility", *FIRM, settings=plain(ANALYSIS), **{**tables, **everything})
    intervals = read_rows(study / "results/made/fragility", FragilityRow)
    assert {row.status for row in intervals} == {"measured"}
    changes = [row for row in read_rows(study / "results/made/change", ChangeRow) if row.metric == "mean_tbr_max"]
    assert {row.status for row in changes} == {"measured"}, "else little of it was asked"
    assert_only_tables(quantified, sidecars=2)
    assert_only_tables(compared, sidecars=2)
    assert_only_tables(moved, sidecars=2)


@pytest.mark.usefixtures("_hook")
def test_a_multiverse_opens_no_image(study: Path) -> None:
    grid = {"vary": {"quantify.active_tbr": [1.6, 2.0]}, "analysis": plain(ANALYSIS)}
    tables = of_scans("voxels", "stations", "sample", "pet_sidecar")
    found = run("multiverse", *SWEPT, settings=grid, **tables)
    assert read_json(study / "results/made/multiverse")["summary"]["with_result"] == 2, "else little of it was asked"
    assert_only_tables(found, sidecars=2)


@pytest.mark.usefixtures("_hook")
def test_an_image_that_is_opened_is_heard(study: Path) -> None:
    """Else the tests above would say nothing."""
    with heard() as found:
        read_volume(place(layout.PET, SCANS[0]), "Bq/mL")
        (study / "delivery/1.dcm").read_bytes()
    assert [Path(path).suffix for path in found if "sub-01" in path or "delivery" in path][-2:] == [".gz", ".dcm"]


def assert_only_tables(found: list[str], *, sidecars: int) -> None:
    assert len({name for name in found if name.endswith("_pet.json")}) == sidecars, "the hook hears nothing"
    assert not [name for name in found if name.endswith((".nii.gz", ".nii", ".dcm", ".gz"))]
    made = {*QUANTIFIED, *SWEPT, *FIRM, "change", "compare"}
    assert {name for name in found if not name.endswith(READABLE)} <= made
