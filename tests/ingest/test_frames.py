"""A dynamic or gated PET is measured in a window that the study chose, or refused with its frames told."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from dicom_twin import CT_SERIES, PET_SERIES, SLICES, dataset, encoded, files, in_folder, index, stored
from pydicom.dataset import Dataset
from scipy.integrate import quad

from petproc.core.errors import Refusal
from petproc.core.results import Ingested
from petproc.core.tables import IndexRow
from petproc.ingest import ingest_scan
from petproc.settings import IngestSettings

ELEVEN = datetime(2025, 1, 1, 11, tzinfo=UTC)
"""60 minutes after the injection"""
DECAY = math.log(2) / 6586.2
Change = Callable[[Dataset, int, int], None]
Window = tuple[float, float]


@dataclass(frozen=True)
class Timed:
    """A frame of `seconds` from `start_s` after eleven, whose pixels are `slope` times the stored ones."""

    start_s: float
    seconds: float
    slope: float
    trigger_ms: float | None = None


TWO = (Timed(0, 300, 0.5), Timed(300, 600, 2.0))
"""60 to 65 and 65 to 75 minutes after the injection"""


def made(folder: Path, frames: Sequence[Timed], change: Change | None = None, kind: str = "DYNAMIC") -> list[IndexRow]:
    """A PET of ten slices with `frames`, each file changed by `change(dataset, k, frame)`; and the CT beside it."""
    rows, content = [], files("CT")
    for f, frame in enumerate(frames):
        for k in range(SLICES):
            one = dataset("PT", k)
            uid = f"{PET_SERIES}.{f + 1}.{SLICES - k}"
            one.SOPInstanceUID, one.InstanceNumber = uid, 1000 - (f * SLICES + k)
            one.SeriesType = [kind, "IMAGE"]
            one.AcquisitionTime = f"{ELEVEN + timedelta(seconds=frame.start_s):%H%M%S.%f}"
            one.ActualFrameDuration = str(round(1000 * frame.seconds))
            exponent = DECAY * frame.seconds
            mean = math.log(exponent / -math.expm1(-exponent)) / DECAY
            one.FrameReferenceTime = f"{1000 * (frame.start_s + mean):.1f}"
            one.RescaleSlope = str(frame.slope)
            if frame.trigger_ms is not None:
                one.TriggerTime = str(frame.trigger_ms)
            if change:
                change(one, k, f)
            name = f"pet-{f}-{k}.dcm"
            content[name] = encoded(one)
            rows.append(IndexRow(uid, str(folder / name), None, len(content[name])))
    in_folder(folder, content)
    return rows


def ingest(folder: Path, rows: Sequence[IndexRow], window: Window | None) -> Ingested:
    settings = IngestSettings(window_min=window)
    return ingest_scan(rows, index(folder, "CT"), settings=settings, threads=2, scan="s")


def refused(folder: Path, rows: Sequence[IndexRow], window: Window | None) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        ingest(folder, rows, window)
    return refusal.value


def pixels(k: int) -> np.ndarray:
    """Stored values of slice k as [i, j]."""
    return stored(k, "PT").T.astype(float)


def test_frames_count_by_their_duration(tmp_path: Path) -> None:
    done = ingest(tmp_path, made(tmp_path, TWO), (60, 75))
    # (300 s * 0.5 + 600 s * 2.0) / 900 s = 1.5
    assert np.allclose(done.pet.data[:, :, 7], 1.5 * pixels(7), rtol=1e-7)
    told = done.acquisition
    assert told.decay_reference_time == ELEVEN
    assert told.slice_acquisition_time == (ELEVEN,) * SLICES
    assert told.slice_duration_s == (900.0,) * SLICES
    (finding,) = done.findings
    assert (finding.code, finding.severity) == ("frames-averaged", "info")
    assert (
        "frame 1 of 300 s from 60.0 to 65.0, frame 2 of 600 s from 65.0 to 75.0 min after injection" in finding.message
    )


def test_a_window_takes_only_what_lies_wholly_inside(tmp_path: Path) -> None:
    rows = made(tmp_path, TWO)
    late = ingest(tmp_path, rows, (62, 75))
    assert np.array_equal(late.pet.data[:, :, 3], np.float32(2.0 * pixels(3)))
    assert late.acquisition.slice_acquisition_time == (ELEVEN + timedelta(minutes=5),) * SLICES
    assert late.acquisition.slice_duration_s == (600.0,) * SLICES
    assert late.acquisition.decay_reference_time == ELEVEN
    early = ingest(tmp_path, rows, (0, 74))
    assert np.array_equal(early.pet.data[:, :, 3], np.float32(0.5 * pixels(3)))


def test_without_decay_correction_frames_are_brought_to_one_time(tmp_path: Path) -> None:
    """What a frame of uncorrected activity holds is its mean over the frame, here integrated numerically."""
    at_eleven = (1000.0, 4000.0)

    def uncorrected(one: Dataset, _: int, f: int) -> None:
        frame = TWO[f]
        mean = quad(lambda t: math.exp(-DECAY * t), frame.start_s, frame.start_s + frame.seconds)[0] / frame.seconds
        one.DecayCorrection, one.CorrectedImage = "NONE", ["NORM", "DTIM", "ATTN", "SCAT", "RAN"]
        one.RescaleSlope = f"{at_eleven[f] * mean / 1000:.10f}"
        one.PixelData = np.full((16, 16), 1000, "<i2").tobytes()

    done = ingest(tmp_path, made(tmp_path, TWO, uncorrected), (60, 75))
    assert done.acquisition.decay_reference_time == ELEVEN
    assert np.allclose(done.pet.data, (300 * 1000 + 600 * 4000) / 900, rtol=1e-6)
    late = ingest(tmp_path, made(tmp_path, TWO, uncorrected), (65, 75))
    assert late.acquisition.decay_reference_time == ELEVEN
    assert np.allclose(late.pet.data, 4000, rtol=1e-6)


def test_the_order_of_frames_and_files_changes_nothing(tmp_path: Path) -> None:
    rows = made(tmp_path, TWO)
    one = ingest(tmp_path, rows, (60, 75))
    random.Random(1).shuffle(rows)
    other = ingest(tmp_path, rows, (60, 75))
    assert np.array_equal(one.pet.data, other.pet.data)
    assert json.dumps(one.pet_sidecar) == json.dumps(other.pet_sidecar)


def test_the_sidecar_names_every_image_that_was_averaged_and_every_file(tmp_path: Path) -> None:
    frames = (*TWO, Timed(900, 600, 1.0))
    sidecar = ingest(tmp_path, made(tmp_path, frames), (60, 75)).pet_sidecar["petproc"]
    assert sidecar["slices"][9]["averaged"] == [{"instance": f"{PET_SERIES}.1.1"}, {"instance": f"{PET_SERIES}.2.1"}]
    assert len(sidecar["files"]) == 30


def test_gates_of_one_acquisition_are_averaged_alike(tmp_path: Path) -> None:
    gates = [Timed(0, 600, slope, trigger) for slope, trigger in ((1.0, 0), (2.0, 250), (3.0, 500), (6.0, 750))]
    rows = made(tmp_path, gates, kind="GATED")
    done = ingest(tmp_path, rows, (60, 70))
    assert np.allclose(done.pet.data[:, :, 5], 3.0 * pixels(5), rtol=1e-7)
    assert done.acquisition.slice_duration_s == (600.0,) * SLICES
    assert "frames 1 to 4 of 600 s from 60.0 to 70.0" in refused(tmp_path, rows, None).reason


def test_beds_have_frames_at_times_of_their_own(tmp_path: Path) -> None:
    """Two passes over two beds: the lower bed comes first in each."""
    passes = (Timed(0, 300, 0.5), Timed(700, 300, 2.0))

    def bed(one: Dataset, k: int, f: int) -> None:
        if k >= 5:
            start = passes[f].start_s + 310
            one.AcquisitionTime = f"{ELEVEN + timedelta(seconds=start):%H%M%S}"
            one.FrameReferenceTime = f"{float(one.FrameReferenceTime) + 310_000:.1f}"

    done = ingest(tmp_path, made(tmp_path, passes, bed), (60, 90))
    assert np.allclose(done.pet.data[:, :, 2], 1.25 * pixels(2), rtol=1e-7)
    assert np.allclose(done.pet.data[:, :, 8], 1.25 * pixels(8), rtol=1e-7)
    assert done.acquisition.uptake_min(2) == 60.0
    assert done.acquisition.uptake_min(8) == pytest.approx(60 + 310 / 60)
    assert done.acquisition.slice_duration_s == (600.0,) * SLICES


def test_without_a_window_the_frames_are_told_and_none_is_taken(tmp_path: Path) -> None:
    refusal = refused(tmp_path, made(tmp_path, TWO), None)
    assert refusal.code == "frames-not-chosen"
    assert "2 frames in time: frame 1 of 300 s from 60.0 to 65.0, frame 2 of 600 s from 65.0 to 75.0" in refusal.reason
    assert "ingest.window_min" in refusal.remedy


@pytest.mark.parametrize("kind", ["STATIC", "WHOLE BODY"])
def test_images_of_one_place_at_different_times_are_frames_whatever_the_series_type(tmp_path: Path, kind: str) -> None:
    rows = made(tmp_path, TWO, kind=kind)
    assert refused(tmp_path, rows, None).code == "frames-not-chosen"


@pytest.mark.parametrize("window", [(0.0, 64.0), (61.0, 64.9), (66.0, 200.0)])
def test_a_window_without_a_whole_frame_is_refused(tmp_path: Path, window: Window) -> None:
    refusal = refused(tmp_path, made(tmp_path, TWO), window)
    assert refusal.code == "no-frame-in-window"
    assert "frame 2 of 600 s from 65.0 to 75.0" in refusal.reason


def test_a_window_needs_the_injection_time(tmp_path: Path) -> None:
    def untimed(one: Dataset, _k: int, _f: int) -> None:
        given = one.RadiopharmaceuticalInformationSequence[0]
        del given.RadiopharmaceuticalStartTime, given.RadiopharmaceuticalStartDateTime

    refusal = refused(tmp_path, made(tmp_path, TWO, untimed), (60, 75))
    assert "RadiopharmaceuticalStart" in refusal.reason
    told = refused(tmp_path, made(tmp_path, TWO, untimed), None)
    assert "from 0.0 to 5.0, frame 2 of 600 s from 5.0 to 15.0 min after the start of the first" in told.reason


def test_a_frame_that_is_not_complete_is_refused_and_named(tmp_path: Path) -> None:
    rows = [row for row in made(tmp_path, TWO) if row.instance != f"{PET_SERIES}.2.4"]
    refusal = refused(tmp_path, rows, (60, 75))
    assert refusal.code == "frames-incomplete"
    assert "at 24.00 mm there are 1 of 2 (none that starts at 11:05:00)" in refusal.reason


def test_frames_missing_at_different_places_are_not_paired_with_each_other(tmp_path: Path) -> None:
    three = (*TWO, Timed(900, 600, 1.0))
    lost = {f"{PET_SERIES}.{2 if n <= 5 else 3}.{n}" for n in range(1, SLICES + 1)}
    rows = [row for row in made(tmp_path, three) if row.instance not in lost]
    assert refused(tmp_path, rows, (60, 85)).code == "frames-incomplete"


def test_images_that_differ_in_no_time_are_duplicates(tmp_path: Path) -> None:
    same = (Timed(0, 300, 0.5), Timed(0, 300, 2.0))
    for kind in ("STATIC", "DYNAMIC"):
        refusal = refused(tmp_path, made(tmp_path, same, kind=kind), (60, 75))
        assert refusal.code == "duplicate-slices"
        assert "990 and 1000 at 0.00 mm" in refusal.reason or "1000 and 990 at 0.00 mm" in refusal.reason


def test_a_few_doubled_slices_of_a_static_series_are_no_frame(tmp_path: Path) -> None:
    rows = made(tmp_path, TWO, kind="STATIC")
    kept = [row for row in rows if ".1." in row.instance[len(PET_SERIES) :] or row.instance.endswith((".2.1", ".2.2"))]
    assert refused(tmp_path, kept, (60, 75)).code == "duplicate-slices"


def test_one_frame_of_a_dynamic_series_is_static_and_needs_no_window(tmp_path: Path) -> None:
    rows = made(tmp_path, TWO[:1])
    for window in (None, (0.0, 5.0)):
        done = ingest(tmp_path, rows, window)
        assert np.array_equal(done.pet.data[:, :, 4], np.float32(0.5 * pixels(4)))
        assert done.findings == ()


def test_one_gate_of_several_is_measured_with_a_finding(tmp_path: Path) -> None:
    def of_eight(one: Dataset, _k: int, _f: int) -> None:
        one.NumberOfTimeSlots = 8

    rows = made(tmp_path, [Timed(0, 600, 1.0, 0)], of_eight, kind="GATED")
    assert [finding.code for finding in ingest(tmp_path, rows, None).findings] == ["single-frame-of-several"]


def test_frames_corrected_to_their_own_start_are_refused(tmp_path: Path) -> None:
    def own(one: Dataset, _k: int, f: int) -> None:
        exponent = DECAY * TWO[f].seconds
        one.DecayFactor = f"{exponent / -math.expm1(-exponent):.6f}"

    refusal = refused(tmp_path, made(tmp_path, TWO, own), (60, 75))
    assert refusal.code == "reference-time-disagrees"


def test_frames_whose_decay_factors_tell_no_one_time_are_refused(tmp_path: Path) -> None:
    def off(one: Dataset, _k: int, f: int) -> None:
        exponent = DECAY * TWO[f].seconds
        one.DecayFactor = f"{(1.01 if f else 1.0) * exponent / -math.expm1(-exponent):.6f}"

    refusal = refused(tmp_path, made(tmp_path, TWO, off), (60, 75))
    assert refusal.code == "frames-decay-disagrees"


def test_frames_of_their_own_time_are_brought_to_one(tmp_path: Path) -> None:
    """DecayFactor and FrameReferenceTime say of both frames that they were corrected to their own start."""

    def own(one: Dataset, _k: int, f: int) -> None:
        exponent = DECAY * TWO[f].seconds
        factor = exponent / -math.expm1(-exponent)
        one.DecayFactor = f"{factor:.6f}"
        one.FrameReferenceTime = f"{1000 * math.log(factor) / DECAY:.1f}"

    done = ingest(tmp_path, made(tmp_path, TWO, own), (60, 75))
    later = 2.0 * math.exp(DECAY * 300)
    expected = pixels(4) * (300 * 0.5 + 600 * later) / 900
    assert np.allclose(done.pet.data[:, :, 4], expected, rtol=1e-6)
    assert "beds-corrected-separately" in {finding.code for finding in done.findings}


def test_frames_that_moved_against_each_other_are_refused(tmp_path: Path) -> None:
    def moved(one: Dataset, k: int, f: int) -> None:
        one.ImagePositionPatient = [-30.0 + 2 * f, -40.0, 4.0 * k]

    refusal = refused(tmp_path, made(tmp_path, TWO, moved), (60, 75))
    assert refusal.code == "frames-moved"
    assert "2.00 mm" in refusal.reason


def test_a_ct_with_images_at_one_place_has_no_frames(tmp_path: Path) -> None:
    pet = made(tmp_path, TWO[:1])
    again = []
    for k in range(SLICES):
        one = dataset("CT", k)
        one.SOPInstanceUID, one.AcquisitionTime = f"{CT_SERIES}.7.{k}", "105600"
        path = tmp_path / f"again-{k}.dcm"
        path.write_bytes(encoded(one))
        again.append(IndexRow(one.SOPInstanceUID, str(path), None, path.stat().st_size))
    with pytest.raises(Refusal) as refusal:
        ingest_scan(pet, index(tmp_path, "CT") + again, settings=IngestSettings(), threads=1, scan="s")
    assert refusal.value.code == "duplicate-slices"
