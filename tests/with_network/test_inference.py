"""TotalSegmentator's own inference, run offline with random weights (`make test-totalsegmentator`)."""

from __future__ import annotations

import inspect
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment import totalsegmentator
from petproc.settings import TotalSegmentatorSettings

pytest.importorskip("totalsegmentator", reason="TotalSegmentator is not installed; make test-totalsegmentator does")

FAST = TotalSegmentatorSettings(fast=True)


def ct() -> Volume:
    """Noise on an oblique-free grid that is not isotropic and runs to the left, back and head."""
    data = np.random.default_rng(1).integers(-200, 200, (48, 56, 40)).astype(np.int16)
    affine = np.diag([-1.5, -1.5, 3.0, 1.0])
    affine[:3, 3] = (36.0, 42.0, -60.0)
    return Volume(data, Grid(data.shape, affine), "HU")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, weights: Path, tmp_path: Path) -> None:
    connect = socket.socket.connect

    def at_home(one: socket.socket, address: Any) -> None:
        if one.family != socket.AF_UNIX:
            raise AssertionError(f"the network is used: {address}")
        connect(one, address)

    monkeypatch.setattr(socket.socket, "connect", at_home)
    monkeypatch.setenv("TOTALSEG_WEIGHTS_PATH", str(weights))
    monkeypatch.setenv("HOME", str(tmp_path))


def test_every_option_of_the_pinned_version_is_spelled_out() -> None:
    from totalsegmentator.python_api import totalsegmentator as call

    ours = {*totalsegmentator.DEFAULTS, "input", "output", "fast", "device", "roi_subset_robust"}
    assert set(inspect.signature(call).parameters) == ours


def test_every_class_is_one_of_its_total_task() -> None:
    from totalsegmentator.map_to_binary import class_map

    known = set(class_map["total"].values())
    assert all(name in known for names in totalsegmentator.CLASSES.values() for name in names)


def test_labels_lie_on_the_voxels_of_the_ct_and_no_file_is_left_in_the_home(tmp_path: Path) -> None:
    image = ct()
    names = totalsegmentator._names(FAST.regions)
    found = totalsegmentator._predicted(image, FAST, names, weights=totalsegmentator._weights(FAST, ""), threads=1)
    assert found.shape == image.grid.shape
    assert len(np.unique(found)) > 1
    assert not (tmp_path / ".totalsegmentator").exists()


def test_the_same_ct_gives_the_same_masks_and_hash_of_weights() -> None:
    def made() -> tuple[bytes, str]:
        weights = totalsegmentator._weights(FAST, "")
        found = totalsegmentator._predicted(ct(), FAST, ("aorta",), weights=weights, threads=1)
        return found.tobytes(), totalsegmentator._digest(weights, fast=True)

    assert made() == made()


def test_a_segmentation_says_what_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block in the place of the random labels, which are no vessel; everything around them is real."""
    real = totalsegmentator._predicted

    def a_vein(image: Volume, *arguments: Any, **named: Any) -> Any:
        found = np.zeros_like(real(image, *arguments, **named))
        found[20:28, 20:28, 5:35] = 62
        return found

    monkeypatch.setattr(totalsegmentator, "_predicted", a_vein)
    found = totalsegmentator.segment(ct(), settings=FAST, scan="a scan")
    assert found.backend == "totalsegmentator"
    assert {station.region for station in found.stations} == {"superior_vena_cava"}
    assert len(found.made_with["weights_sha256"]) == 64
    assert found.made_with["totalsegmentator"] == totalsegmentator.VERSION


def test_weights_that_are_not_there_are_named_and_not_fetched() -> None:
    with pytest.raises(Refusal) as refusal:
        totalsegmentator.segment(ct(), settings=TotalSegmentatorSettings(fast=False), scan="a scan")
    assert refusal.value.code == "totalsegmentator-weights-missing"
    assert "291" in refusal.value.reason
