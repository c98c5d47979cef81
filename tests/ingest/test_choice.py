"""Which PET and which CT are proposed, and what is left out and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dicom_twin import CT_SERIES, PET_SERIES, Change, files, in_folder
from inventory_twin import both, findings, index, query, scans, series, series_of, together, visit
from pydicom.dataset import Dataset

from petproc import layout
from petproc.ingest.inventory import take_inventory
from petproc.settings import Settings

OTHER = "1.2.3.11"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return tmp_path / "study"


def prefer(study: Path, *words: str) -> None:
    path = layout.path(layout.CONFIG, study)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"inventory:\n  prefer: [{', '.join(words)}]\n")
    assert Settings.read(path).inventory.prefer == words


def beside(tmp_path: Path, **tags: Any) -> Path:
    """The twin and a second PET of it that differs in `tags`."""
    return in_folder(tmp_path / "in", both() | series_of("PT", OTHER, **tags))


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"Units": "PROPCNTS"}, "not activity (PROPCNTS)"),  # though it lists ATTN
        ({"CorrectedImage": ["NORM", "DECY"]}, "not attenuation-corrected"),
        ({"AttenuationCorrectionMethod": "NONE"}, "not attenuation-corrected"),
        ({"SeriesDescription": "WB_NAC"}, "described as not attenuation-corrected, though it lists ATTN"),
        ({"SeriesType": ["DYNAMIC", "IMAGE"]}, "dynamic PET"),
        ({"SeriesType": ["GATED", "IMAGE"]}, "gated PET"),
        ({"Units": "GML", "SUVType": "BW"}, "attenuation-corrected, GML"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "not a PT image"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "projection or screen copy"),
        ({"SeriesType": ["STATIC", "REPROJECTION"]}, "projection or screen copy"),
        ({"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"]}, "reformatted from another series"),
        ({"ImageType": ["DERIVED", "SECONDARY", "FUSED"]}, "fused or coloured pictures"),
        ({"ImagePositionPatient": [-30, -40, 4]}, "not a volume (10 images)"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "not axial"),
    ],
)
def test_a_lesser_pet_is_left_out_with_its_reason(
    tmp_path: Path, study: Path, tags: dict[str, Any], reason: str
) -> None:
    take_inventory(study, [beside(tmp_path, **tags)])
    assert [(row.pet, row.ct) for row in scans(study)] == [(PET_SERIES, CT_SERIES)]
    assert series(study)[OTHER].role == "left out"
    assert series(study)[OTHER].reason.startswith(reason)


def test_a_pet_of_another_object_than_a_volume_is_left_out(tmp_path: Path, study: Path) -> None:
    report = series_of("PT", "1.2.3.12", Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.67")
    take_inventory(study, [in_folder(tmp_path / "in", both() | report)])
    assert series(study)["1.2.3.12"].reason == "modality SR"


@pytest.mark.parametrize(
    ("word", "tags"),
    [
        ("psf", {"ReconstructionMethod": "PSF+TOF 3i21s"}),
        ("Gauss5", {"ConvolutionKernel": "XYZGAUSS5.00"}),
        ("earl", {"SeriesDescription": "WB EARL1"}),
    ],
)
def test_the_words_of_the_study_choose_among_reconstructions(
    tmp_path: Path, study: Path, word: str, tags: dict[str, str]
) -> None:
    prefer(study, "nothing", word)
    take_inventory(study, [beside(tmp_path, **tags)])
    assert [row.pet for row in scans(study)] == [OTHER]
    assert "another reconstruction" in series(study)[PET_SERIES].reason


def test_the_first_word_outranks_the_second(tmp_path: Path, study: Path) -> None:
    prefer(study, "psf", "osem")
    own = both(visit("A", 3, ReconstructionMethod="OSEM"))
    second = series_of("PT", OTHER, visit("A", 3), ReconstructionMethod="PSF")
    take_inventory(study, [in_folder(tmp_path / "in", own | second)])
    assert [row.pet for row in scans(study)] == [OTHER]


def two_visits(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """A person's two visits with reconstructions by these methods, the first named of which has the most slices."""
    made = []
    for number, methods in ((3, first), (20, second)):
        ct = files("CT", visit("A-1", number))
        pets = [_pet(number, n, method) for n, method in enumerate(methods)]
        made.append(together(ct, *pets))
    return made[0], made[1]


def _pet(number: int, n: int, method: str) -> dict[str, bytes]:
    return series_of("PT", f"1.2.3.1{number}{n}", visit("A-1", number), ReconstructionMethod=method, SeriesNumber=n)


def methods(study: Path) -> list[str]:
    from petproc.ingest.index import first_header

    headers = [first_header(index(study, row.pet)) for row in scans(study)]
    return [header.text("ReconstructionMethod") or "" for header in headers if header]


@pytest.mark.parametrize("words", [(), ("psf",)])
def test_both_visits_take_the_reconstruction_that_both_have(
    tmp_path: Path, study: Path, words: tuple[str, ...]
) -> None:
    prefer(study, *words)
    first, second = two_visits(("PSF", "OSEM"), ("OSEM",))
    take_inventory(study, [in_folder(tmp_path / "in", together(first, second))])
    assert methods(study) == ["OSEM", "OSEM"]
    assert "reconstruction-differs-between-visits" not in findings(study).values()


def test_where_both_have_both_the_words_decide(tmp_path: Path, study: Path) -> None:
    prefer(study, "psf")
    first, second = two_visits(("OSEM", "PSF"), ("PSF", "OSEM"))
    take_inventory(study, [in_folder(tmp_path / "in", together(first, second))])
    assert methods(study) == ["PSF", "PSF"]


def test_a_later_visit_takes_the_reconstruction_of_the_table(tmp_path: Path, study: Path) -> None:
    first, second = two_visits(("OSEM",), ("PSF", "OSEM"))
    take_inventory(study, [in_folder(tmp_path / "one", first)])
    prefer(study, "psf")
    take_inventory(study, [in_folder(tmp_path / "two", second)])
    assert methods(study) == ["OSEM", "OSEM"]


def test_visits_without_a_common_reconstruction_are_a_query(tmp_path: Path, study: Path) -> None:
    first, second = two_visits(("PSF",), ("OSEM",))
    take_inventory(study, [in_folder(tmp_path / "in", together(first, second))])
    told = query(study, "reconstruction-differs-between-visits")
    assert (told.scan, told.value, told.severity) == ("sub-001_ses-followup", "ReconstructionMethod", "warning")


def test_pixel_size_makes_another_reconstruction_its_printing_does_not(tmp_path: Path, study: Path) -> None:
    first = both(visit("A", 3, PixelSpacing=["2.000", "3.0"]))
    same = both(visit("A", 10, PixelSpacing=["2", "3.0001"]))
    other = both(visit("A", 20, PixelSpacing=["2.5", "2.5"]))
    take_inventory(study, [in_folder(tmp_path / "in", together(first, same, other))])
    told = query(study, "reconstruction-differs-between-visits")
    assert (told.scan, told.value) == ("sub-001_ses-visit3", "PixelSpacing")


def test_a_part_of_the_body_reconstructed_again_is_neither_chosen_nor_a_second_scan(
    tmp_path: Path, study: Path
) -> None:
    beds = lambda k: f"11{3 * (k // 5):02d}00"  # noqa: E731
    own = both(visit("A", 3, AcquisitionTime=beds))
    zoomed = series_of("PT", OTHER, visit("A", 3, AcquisitionTime=beds))
    upper = dict(list(zoomed.items())[5:])
    take_inventory(study, [in_folder(tmp_path / "in", own | upper)])
    assert [row.session for row in scans(study)] == ["baseline"]
    assert series(study)[OTHER].reason.startswith("a part of the body only")


def test_two_visits_in_one_study_keep_their_own_cts(tmp_path: Path, study: Path) -> None:
    one_study = {"StudyInstanceUID": "1.2.3.1"}
    first, second = files("PT", visit("A", 3, **one_study)), both(visit("A", 20, **one_study))
    take_inventory(study, [in_folder(tmp_path / "in", together(first, second))])
    assert [row.ct != "n/a" for row in scans(study)] == [False, True]
    assert query(study, "visits-share-study").scan == "sub-001_ses-followup"
    assert query(study, "ct-missing").scan == "sub-001_ses-baseline"


def test_one_visit_over_two_studies_is_told(tmp_path: Path, study: Path) -> None:
    content = files("PT") | series_of("CT", "1.2.3.19", StudyInstanceUID="1.9")
    take_inventory(study, [in_folder(tmp_path / "in", content)])
    assert scans(study)[0].ct == "1.2.3.19"
    assert query(study, "visit-over-two-studies").severity == "info"


def injected(name: str | None = None, nuclide: tuple[str, str, str] | None = None) -> Change:
    def change(one: Dataset, _: int) -> None:
        if one.Modality != "PT":
            return
        given = one.RadiopharmaceuticalInformationSequence[0]
        if name:
            given.Radiopharmaceutical = name
        if nuclide:
            code, meaning, given.RadionuclideHalfLife = nuclide
            given.RadionuclideCodeSequence[0].CodeValue = code
            given.RadionuclideCodeSequence[0].CodeMeaning = meaning

    return change


GALLIUM = ("C-131A3", "^68^Gallium", "4062.6")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (injected(nuclide=GALLIUM), "the nuclide is Ga68"),
        (injected("68Ga-DOTATATE", GALLIUM), "Radiopharmaceutical (0018,0031) is DOTATATE"),
        (injected("18F-PSMA-1007"), "Radiopharmaceutical (0018,0031) is PSMA"),
    ],
)
def test_a_pet_of_another_tracer_is_proposed_but_not_included(
    tmp_path: Path, study: Path, change: Change, told: str
) -> None:
    def other(one: Dataset, k: int) -> None:
        visit("A", 3)(one, k)
        change(one, k)

    take_inventory(study, [in_folder(tmp_path / "in", together(both(visit("A", 9)), both(other)))])
    assert [(row.session, row.include) for row in scans(study)] == [("baseline", "yes"), ("othertracer", "no")]
    assert told in scans(study)[1].reason
    assert query(study, "other-tracer").scan == "sub-001_ses-othertracer"


@pytest.mark.parametrize("name", ["FDG", "18F-FDG", "Fluorodeoxyglucose F^18^", "Solution", None])
def test_the_tracer_of_the_study_has_many_names(tmp_path: Path, study: Path, name: str | None) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", both(injected(name)))])
    assert [row.include for row in scans(study)] == ["yes"]


def test_the_tracer_asked_for_outranks_that_of_the_config(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", both(injected("18F-PSMA-1007")))
    take_inventory(study, [delivery], tracer="PSMA")
    assert [(row.tracer, row.include) for row in scans(study)] == [("PSMA", "yes")]


def test_a_reconstruction_that_comes_later_is_no_second_scan(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "one", both())])
    take_inventory(study, [in_folder(tmp_path / "two", series_of("PT", OTHER, ReconstructionMethod="PSF"))])
    assert [row.pet for row in scans(study)] == [PET_SERIES]
    assert series(study)[OTHER].reason == "another reconstruction of an acquisition that is in the table"
    assert "pet-came-later" not in findings(study).values()


def test_a_corrected_pet_that_comes_later_is_a_query(tmp_path: Path, study: Path) -> None:
    uncorrected = files("PT", lambda one, _: setattr(one, "CorrectedImage", ["NORM", "DECY"])) | files("CT")
    take_inventory(study, [in_folder(tmp_path / "one", uncorrected)])
    delivery = in_folder(tmp_path / "two", series_of("PT", OTHER))
    take_inventory(study, [delivery])
    assert query(study, "pet-came-later").subject == OTHER
    table = layout.path(layout.SCANS, study)
    table.write_text(table.read_text().replace(PET_SERIES, OTHER))
    take_inventory(study, [delivery])
    assert query(study, "pet-came-later").status == "closed"
