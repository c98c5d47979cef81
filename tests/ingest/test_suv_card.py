"""The derivation card of a series, as JSON and for people, whether or not its SUV is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dicom_twin import PET_SERIES, Change, dataset, encoded, files, in_folder, in_zip, setting
from pet_headers import derived, headers
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from typer.testing import CliRunner

from petproc.cli import app
from petproc.core.suv import VARIANTS
from petproc.ingest.card import card, series_card
from petproc.ingest.card_entries import COMMON, OF_INJECTION, PER_SLICE

PER_BQ = 70_000 / (350e6 * 2 ** (-3600 / 6586.2))
KEYS = {
    *("status", "code", "reason", "remedy", "activity", "units", "suv_type", "decay_correction", "unit"),
    *("reference_time", "rule", "candidates", "derivations", "half_life_s", "tags"),
    *("suv_factor", "suv_factor_reason", "findings"),
}


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["suv", *map(str, arguments)], catch_exceptions=False)
    return result.exit_code, result.stdout


def said(*arguments: object) -> tuple[int, dict[str, Any]]:
    status, text = run(*arguments, "--json")
    return status, json.loads(text)


def test_the_card_of_a_plain_scan() -> None:
    told = card(headers())
    assert set(told) == KEYS
    assert [told[key] for key in ("status", "code", "reason", "remedy", "activity")] == ["ok", None, None, None, "ok"]
    assert [told[key] for key in ("units", "suv_type", "decay_correction", "unit")] == ["BQML", None, "START", "Bq/mL"]
    assert told["reference_time"] == "2025-01-01T11:00:00+00:00"
    assert told["rule"] == "series, with 2 of 2 sources"
    assert told["half_life_s"] == 6586.2
    assert set(told["suv_factor"]) == set(VARIANTS)
    assert told["suv_factor"]["bw"] == pytest.approx(PER_BQ)
    assert told["suv_factor"]["lbm_james"] == pytest.approx(PER_BQ * 51.22 / 70)
    assert told["suv_factor_reason"] == {}
    assert told["findings"] == []


def test_every_candidate_stands_with_its_suv() -> None:
    found = {one["source"]: one for one in card(headers(SeriesTime="105930"))["candidates"]}
    assert set(found) == {"series", "frame_reference_mean", "frame_reference_start", "earliest_acquisition"}
    assert found["series"]["suv_bw"] == pytest.approx(PER_BQ * 2 ** (-30 / 6586.2))
    assert found["earliest_acquisition"]["suv_bw"] == pytest.approx(PER_BQ)
    assert found["earliest_acquisition"]["admissible"] is False


def test_tags_stand_as_delivered_with_their_numbers() -> None:
    def beds(one: Dataset, k: int) -> None:
        if k:
            one.AcquisitionTime, one.FrameReferenceTime = "110302", str(89715 + 182000)

    told = {one["keyword"]: one for one in card(headers(beds, PatientWeight="70.50"))["tags"]}
    assert told["PatientWeight"] == {"keyword": "PatientWeight", "tag": "(0010,1030)", "value": "70.50"}
    assert told["CorrectedImage"]["value"] == "NORM\\DTIM\\ATTN\\SCAT\\DECY\\RAN"
    assert told["SUVType"]["value"] is None
    times = {key: told["AcquisitionTime"][key] for key in ("value", "last", "different")}
    assert times == {"value": "110000", "last": "110302", "different": 2}
    assert told["RadionuclideTotalDose"]["value"] == "350000000"


def test_tag_numbers_are_those_of_the_dictionary() -> None:
    for keyword, tag in {**COMMON, **PER_SLICE, **OF_INJECTION}.items():
        assert int(tag[1:5] + tag[6:10], 16) == tag_for_keyword(keyword)


@pytest.mark.parametrize(
    ("tags", "code", "activity", "known"),
    [
        ({"PatientWeight": "0"}, "weight-unusable", "ok", {"ibw"}),
        ({"RadionuclideTotalDose": None}, "dose-missing", "ok", set()),
        ({"RadiopharmaceuticalStartTime": "093000"}, "injection-time-disagrees", "ok", set()),
        ({"Units": "GML", "SUVType": "LBM", "PatientWeight": None}, "suv-carried", "carried", {"lbm_sugawara"}),
        ({"Units": "PROPCNTS"}, "units-not-supported", "refused", set()),
        ({"CorrectedImage": ["DECY"]}, "not-attenuation-corrected", "refused", set()),
        ({"AcquisitionTime": None}, "tag-missing", "refused", set()),
        ({"RadionuclideHalfLife": "4062"}, "nuclide-contradicts-half-life", "refused", set()),
    ],
)
def test_the_card_of_what_has_no_suv_says_why(tags: dict[str, Any], code: str, activity: str, known: set[str]) -> None:
    told = card(headers(**tags))
    assert set(told) == KEYS
    assert (told["status"], told["code"], told["activity"]) == ("refused", code, activity)
    assert told["reason"] and told["remedy"]
    assert {name for name, factor in told["suv_factor"].items() if factor is not None} == known
    assert set(told["suv_factor_reason"]) == set(VARIANTS) - known
    assert f"[{code}]" in told["suv_factor_reason"]["bw"]


def test_a_carried_suv_by_body_weight_is_known() -> None:
    told = card(headers(Units="GML", RadionuclideTotalDose=None))
    assert (told["status"], told["activity"], told["unit"]) == ("ok", "carried", "g/mL")
    assert told["suv_factor"]["bw"] == 1.0


def test_contradicting_times_are_shown_side_by_side() -> None:
    told = card(headers(SeriesTime="103000"))
    assert told["code"] == "reference-time-disagrees"
    found = {one["source"]: one["suv_bw"] for one in told["candidates"] if one["admissible"]}
    assert found["series"] == pytest.approx(PER_BQ * 2 ** (-1800 / 6586.2))
    assert found["frame_reference_mean"] == pytest.approx(PER_BQ, rel=1e-4)


def test_every_derivation_has_its_card() -> None:
    assert derived().card == card(headers())


def test_the_nuclide_is_compared_with_a_tracer_only_where_one_is_named() -> None:
    def gallium(one: Dataset, _: int) -> None:
        item = one.RadiopharmaceuticalInformationSequence[0]
        item.RadionuclideHalfLife = "4057.7"
        item.RadionuclideCodeSequence[0].CodeMeaning = "^68^Gallium"

    assert card(headers(gallium))["findings"] == []
    assert [one["code"] for one in card(headers(gallium), tracer="FDG")["findings"]] == ["nuclide-unexpected"]


def test_what_stands_in_a_tag_by_mistake_is_not_quoted() -> None:
    def signed(one: Dataset, _: int) -> None:
        one.Units, one.SUVType, one.Manufacturer = "SECRET^PERSON", "Secret^Person", "Secret^Person 19500101"
        one.PatientSex, one.SeriesTime, one.TimezoneOffsetFromUTC = "Secret", "secret", "Secret"
        one.add_new(0x00710010, "LO", "SIEMENS MED PT")
        one.add_new(0x00711022, "LO", "Secret^Person")
        item = one.RadiopharmaceuticalInformationSequence[0]
        item.RadiopharmaceuticalStartTime = item.RadiopharmaceuticalStartDateTime = "Secret"

    def decently(one: Dataset, k: int) -> None:
        signed(one, k)
        one.Units, one.SUVType = "BQML", None

    for change in (signed, decently):
        text = json.dumps(card(headers(change)))
        assert "secret" not in text.lower()
        assert "19500101" not in text


# the command


@pytest.fixture
def pet(tmp_path: Path) -> Callable[..., Path]:
    """A folder with the tiny PET, its CT, and what else the test puts there."""

    def make(change: Change | None = None, **more: bytes) -> Path:
        folder = in_folder(tmp_path / "delivery", files("PT", change) | files("CT"))
        return in_folder(folder, {f"{name}.dcm": content for name, content in more.items()})

    return make


def test_the_command_prints_a_card_for_people(pet: Callable[..., Path]) -> None:
    status, text = run(pet(setting(RadionuclideTotalDose="350")))
    assert status == 0
    for words in ("SUV by body weight is known", "lbm_janmahasatian", "dose-in-mbq", "(0018,1074)", "11:00:00"):
        assert words in text
    assert f"{PER_BQ:.6g}" in text


def test_the_command_prints_json(pet: Callable[..., Path], tmp_path: Path) -> None:
    status, told = said(pet())
    assert (status, told["status"]) == (0, "ok")
    assert told["suv_factor"]["bw"] == pytest.approx(PER_BQ)
    archive = in_zip(tmp_path / "a.zip", files("PT"))
    assert said(archive) == (0, told)
    alone = in_folder(tmp_path / "one", {"one": encoded(dataset("PT", 3))})
    assert said(alone / "one")[1]["suv_factor"] == told["suv_factor"]


def test_slices_go_upwards_whatever_their_names(pet: Callable[..., Path]) -> None:
    def uncorrected(one: Dataset, k: int) -> None:
        one.DecayCorrection, one.CorrectedImage = "NONE", ["ATTN"]
        one.AcquisitionTime = f"11{k:02d}00"

    factors = said(pet(uncorrected))[1]["suv_factor"]["bw"]
    assert len(factors) == 10
    assert factors == sorted(factors)
    assert factors[9] / factors[0] == pytest.approx(2 ** (540 / 6586.2))


def test_a_refusal_prints_the_card_and_ends_with_status_1(pet: Callable[..., Path]) -> None:
    folder = pet(setting(Units="PROPCNTS"))
    status, told = said(folder)
    assert (status, told["status"], told["code"]) == (1, "refused", "units-not-supported")
    status, text = run(folder)
    assert status == 1
    assert "units-not-supported" in text
    assert "Ask the site" in text
    assert run(pet(setting(RadionuclideTotalDose=None)))[0] == 1


def other(**tags: Any) -> bytes:
    one = dataset("PT", 0)
    setting(**tags)(one, 0)
    return encoded(one)


def test_what_is_no_pet_image_is_passed_over(pet: Callable[..., Path]) -> None:
    screen = other(SOPClassUID="1.2.840.10008.5.1.4.1.1.7", SeriesInstanceUID="1.2.9", SOPInstanceUID="1.2.9.1")
    mapping = other(Modality="RWV", SeriesInstanceUID="1.2.8", SOPInstanceUID="1.2.8.1")
    twice = encoded(dataset("PT", 4))
    assert said(pet(screen=screen, mapping=mapping, twice=twice))[1] == said(pet())[1]


def test_of_several_series_one_has_to_be_chosen(pet: Callable[..., Path]) -> None:
    folder = pet(second=other(SeriesInstanceUID="1.2.7", SOPInstanceUID="1.2.7.1", PatientWeight="80"))
    status, told = said(folder)
    assert (status, told["code"]) == (1, "several-series")
    assert f"{PET_SERIES} (10 images), 1.2.7 (1 images)" in told["reason"]
    assert "--series" in told["remedy"]
    assert said(folder, "--series", PET_SERIES)[1]["suv_factor"]["bw"] == pytest.approx(PER_BQ)
    assert said(folder, "--series", "1.2.7")[1]["suv_factor"]["bw"] == pytest.approx(PER_BQ * 8 / 7)
    assert said(folder, "--series", "1.2.6")[1]["code"] == "series-not-found"


def test_nothing_there_is_a_refused_card(tmp_path: Path) -> None:
    in_folder(tmp_path / "ct", files("CT"))
    for path, code in ((tmp_path / "ct", "no-pet-series"), (tmp_path / "nowhere", "delivery-missing")):
        status, told = said(path)
        assert (status, told["code"], set(told)) == (1, code, KEYS)
        assert code in run(path)[1]


def test_damaged_files_do_not_hide_the_others(pet: Callable[..., Path]) -> None:
    folder = pet(cut=encoded(dataset("PT", 2))[:300], empty=b"", text=b"no DICOM at all")
    assert said(folder)[0] == 0


@pytest.mark.parametrize("number", ["1.7976931348623157e308", "-1e308", "1e-320", "9" * 16])
@pytest.mark.parametrize(
    "keyword",
    [
        *("PatientWeight", "PatientSize", "ActualFrameDuration", "FrameReferenceTime", "DecayFactor"),
        *("RadionuclideTotalDose", "RadionuclideHalfLife"),
    ],
)
def test_absurd_numbers_give_a_card(keyword: str, number: str) -> None:
    for decay in ("START", "ADMIN"):
        json.dumps(card(headers(DecayCorrection=decay, **{keyword: number[:16]})), allow_nan=False)
    uncorrected = headers(DecayCorrection="NONE", CorrectedImage=["ATTN"], **{keyword: number[:16]})
    json.dumps(card(uncorrected), allow_nan=False)


def test_a_series_dated_a_century_ago_gives_a_card() -> None:
    def rubidium(one: Dataset, _: int) -> None:
        item = one.RadiopharmaceuticalInformationSequence[0]
        item.RadionuclideHalfLife = "75.5"
        item.RadionuclideCodeSequence[0].CodeMeaning = "^82^Rubidium"
        item.RadiopharmaceuticalStartDateTime, item.RadiopharmaceuticalStartTime = "20250101105900", "105900"

    for change in ((), (rubidium,)):
        for date in ("19000101", "22001231", "20241231"):
            told = card(headers(*change, SeriesDate=date))
            (series,) = (one for one in told["candidates"] if one["source"] == "series")
            assert series["admissible"] is False
            json.dumps(told, allow_nan=False)


# deliveries of others


def printed(told: dict[str, Any]) -> dict[str, str]:
    """Factors with the digits that mapping objects give."""
    scale = {"bsa": 0.1}  # the mapping objects' surface is in units of 10 cm2
    return {
        name: f"{told['suv_factor'][name] * scale.get(name, 1.0):.6g}" for name in ("bw", "lbm_james", "ibw", "bsa")
    }


def test_the_card_of_a_real_scan(shared: Callable[[str], Path]) -> None:
    told = series_card(shared("petct_real.zip"))
    assert printed(told) == {
        "bw": "0.000255764",
        "lbm_james": "0.000167706",
        "ibw": "0.000185522",
        "bsa": "6.29355e-06",
    }
    assert told["rule"] == "series, confirmed by decay_factor"
    assert told["findings"] == []
