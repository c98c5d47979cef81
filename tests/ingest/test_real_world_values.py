"""SUV factors against those that another program (QIICR's SUVFactorCalculator) left beside real PET series.

Its real world value mapping objects give SUV per rescaled pixel value to six digits.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

from petproc.core.errors import Refusal
from petproc.core.suv import suv_per_activity
from petproc.core.tables import IndexRow
from petproc.dicom.delivery import Seen, read_headers
from petproc.ingest.scan import read_pet
from petproc.settings import IngestSettings

Shared = Callable[[str], Path]
SETTINGS = IngestSettings()
VARIANT_OF = {
    "{SUVbw}g/ml": ("bw", 1.0),
    "{SUVlbm}g/ml": ("lbm_james", 1.0),
    "{SUVibw}g/ml": ("ibw", 1.0),
    # that program's body surface is in units of 10 cm2 (1.61 m2 are 1610), though its unit says cm2: activity times
    # surface over dose is ten times as much
    "{SUVbsa}cm2/ml": ("bsa", 0.1),
}


@dataclass(frozen=True)
class Mapped:
    """A series that a mapping object is about, and its SUV factors by label, as printed."""

    rows: list[IndexRow]
    units: str | None
    factors: dict[str, str]


def mapped(delivery: Path) -> list[Mapped]:
    """Every mapping object of a zip, with those of its series' files that the zip holds."""
    files = {seen.header.text("SOPInstanceUID") or "": seen for seen in read_headers([delivery]) if seen.header}
    with zipfile.ZipFile(delivery) as archive:
        return [
            _mapped(pydicom.dcmread(io.BytesIO(archive.read(str(seen.place.member)))), files)
            for seen in files.values()
            if seen.header and seen.header.text("Modality") == "RWV"
        ]


def _mapped(mapping: pydicom.Dataset, files: dict[str, Seen]) -> Mapped:
    told = [one.ReferencedSOPInstanceUID for one in mapping.ReferencedSeriesSequence[0].ReferencedInstanceSequence]
    held = {uid: files[uid] for uid in told if uid in files}
    (units,) = {seen.header.text("Units") for seen in held.values() if seen.header}
    values = [image.RealWorldValueMappingSequence[0] for image in mapping.ReferencedImageRealWorldValueMappingSequence]
    assert all(value.RealWorldValueIntercept == 0 for value in values)
    return Mapped(
        [IndexRow(uid, seen.place.path, seen.place.member, seen.place.size) for uid, seen in held.items()],
        units,
        {value.LUTLabel: f"{value.RealWorldValueSlope:.6g}" for value in values},
    )


@pytest.mark.parametrize(("name", "series"), [("petct_real.zip", 1), ("petct_series_choice.zip", 2)])
def test_suv_factors_are_those_of_the_mapping_objects(shared: Shared, name: str, series: int) -> None:
    found = [one for one in mapped(shared(name)) if one.units == "BQML"]
    assert len(found) == series
    for one in found:
        assert len(one.rows) >= 10
        known = read_pet(one.rows, settings=SETTINGS, threads=2)[1]
        for label, (variant, scale) in VARIANT_OF.items():
            factor = scale * suv_per_activity(known.acquisition, variant)
            assert {f"{factor * value:.6g}" for value in known.value_factor} == {one.factors[label]}


def test_a_factor_beside_them_does_not_make_proportional_counts_activity(shared: Shared) -> None:
    found = [one for one in mapped(shared("petct_series_choice.zip")) if one.units == "PROPCNTS"]
    assert [set(one.factors) for one in found] == [set(VARIANT_OF)] * 2
    for one in found:
        with pytest.raises(Refusal) as refusal:
            read_pet(one.rows, settings=SETTINGS, threads=2)
        assert refusal.value.code == "units-not-supported"
