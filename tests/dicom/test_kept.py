"""Headers of a series held together come back as they were, without their long values."""

from __future__ import annotations

from dicom_twin import files
from pydicom.dataset import Dataset

from petproc.dicom.instance import parse
from petproc.dicom.kept import LONG_BYTES, KeptHeaders


def test_headers_come_back_as_they_were() -> None:
    def odd(one: Dataset, k: int) -> None:
        if k == 0:
            one.SeriesDescription = "the first image alone"
        if k == 5:
            del one.PatientWeight
        if k == 7:
            one.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = "1"

    headers = [parse(content)[0] for content in files("PT", odd).values()]
    kept = KeptHeaders()
    held = [kept.keep(header) for header in headers]
    assert [kept.header(one).elements.values for one in held] == [one.elements.values for one in headers]
    assert [kept.header(one).transfer_syntax for one in held] == [one.transfer_syntax for one in headers]
    assert max(len(one.changed) for one in held[1:]) < 10 < len(headers[1].elements.values)


def test_long_values_are_not_held_but_the_injection_is() -> None:
    def long(one: Dataset, _: int) -> None:
        one.ImageComments = "x" * (LONG_BYTES + 2)
        one.RadiopharmaceuticalInformationSequence[0].Radiopharmaceutical = "y" * 64
        one.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalRoute = "z" * LONG_BYTES

    header, _ = parse(next(iter(files("PT", long).values())))
    kept = KeptHeaders()
    back = kept.header(kept.keep(header))
    assert (header.text("ImageComments") or "").startswith("x")
    assert back.text("ImageComments") is None
    assert back.items("RadiopharmaceuticalInformationSequence")[0].text("Radiopharmaceutical") == "y" * 64
