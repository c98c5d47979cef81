"""Activities read twice: by pydicom alone, and by ingest where a value is more than a stored one times its slope."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from petproc import layout
from petproc.audit.plain import Row
from petproc.audit.recomputation import Delivered, check_activity, check_geometry, delivered
from petproc.core.grid import Grid
from petproc.core.volume import Labels
from petproc.dicom.rescale import activity
from petproc.ingest.inventory import take_inventory
from petproc.ingest.scan import read_pet
from petproc.ingest.sidecars import pet_sidecar
from petproc.settings import IngestSettings
from petproc.workflow.reread import files_of

SHARED = Path(__file__).parents[2] / "../shared/data"
SETTINGS = IngestSettings()


def read_twice(study: Path, series: str) -> tuple[str, np.ndarray, np.ndarray, Delivered]:
    """Units and decay correction of a series, every seventh voxel of it, as ingest and as the audit reads it."""
    files = files_of(study, series)
    pet, known = read_pet(files, settings=SETTINGS, threads=1)
    sidecar = pet_sidecar(pet, known)
    ours = {"findings": [one.to_json() for one in known.findings], "settings": SETTINGS.model_dump(mode="json")}
    index = np.argwhere(np.ones(pet.grid.shape))[::7]
    told = delivered(files, {"petproc": {**sidecar["petproc"], **ours}}, pet.grid, index)
    kind = f"{known.acquisition.units} {known.acquisition.decay_correction}"
    return kind, index, activity(pet, known.value_factor, threads=1)[tuple(index.T)], told


def test_reference_objects_of_every_unit_are_read_alike_and_plainly_where_that_is_possible(tmp_path: Path) -> None:
    if not (delivery := SHARED / "suv_dro.zip").exists():
        pytest.skip("../shared/data/suv_dro.zip is not here")
    take_inventory(tmp_path, [delivery])
    plainly: Counter[str] = Counter()
    for path in (tmp_path / layout.INDEX).parent.glob("*.tsv"):
        kind, index, written, told = read_twice(tmp_path, path.stem)
        assert check_activity("table", index, written, told.activity) == []
        assert told.plainly or told.why
        plainly[kind] += told.plainly
    assert plainly == {
        **{"BQML START": 9, "BQML ADMIN": 1, "BQML NONE": 0},
        **{"GML START": 0, "CM2ML START": 0, "CNTS START": 0},
    }


def test_the_last_digit_of_an_activity_is_enough() -> None:
    index, true = np.array([[1, 2, 3], [4, 5, 6]]), np.array([1000.0, 2000.0])
    written = true.astype(np.float32)
    assert check_activity("table", index, written, true) == []
    written[1] = np.nextafter(np.nextafter(written[1], np.float32(9e9)), np.float32(9e9))
    (found,) = check_activity("table", index, written, true)
    assert found.where == "table, 1 of 2 voxels, first (4, 5, 6)"
    assert check_activity("table", index, np.array([1000.0, np.nan], np.float32), true)


def rows_of(depth_mm: np.ndarray) -> list[Row]:
    return [{"i": i, "j": 0, "k": 0, "depth_p50": float(depth)} for i, depth in enumerate(depth_mm)]


def test_depths_are_held_against_the_mask_but_for_half_a_voxel_of_it() -> None:
    """A mask of 2 mm voxels ends at x = 39 mm, between voxels 19 and 20; the wall is put at 39 mm, 1 mm off and 3 mm
    off."""
    grid = Grid((40, 1, 1), np.diag([2.0, 2.0, 2.0, 1.0]))
    labels = Labels((np.arange(40) < 20).astype(np.uint8)[:, None, None], grid, {1: "ascending_aorta"})
    x_mm = 2.0 * np.arange(40)

    def wrong(wall_mm: float) -> bool:
        return bool(check_geometry(("table", "ascending_aorta"), rows_of(wall_mm - x_mm), labels, grid))

    assert [wrong(wall_mm) for wall_mm in (39.0, 38.0, 40.0, 36.0, 42.5)] == [False, False, False, True, True]
