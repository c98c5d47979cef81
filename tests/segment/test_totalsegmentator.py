"""The totalsegmentator backend where the program is not there, and what is asked of it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from typing import Any

import numpy as np
import pytest

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import GUIDES, REGIONS
from petproc.core.volume import Volume
from petproc.segment import totalsegmentator
from petproc.settings import TotalSegmentatorSettings

CT = Volume(np.zeros((4, 4, 4), np.int16), Grid((4, 4, 4), np.eye(4)), "HU")


def refused(code: str) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        totalsegmentator.segment(CT, settings=TotalSegmentatorSettings(), scan="a scan")
    assert refusal.value.code == code
    return refusal.value


def test_without_the_extra_the_scan_is_refused_and_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str, package: str | None = None) -> None:
        del name, package

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    assert "pip install 'petproc[totalsegmentator]'" in refused("totalsegmentator-missing").remedy


def test_another_version_than_the_pinned_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str, package: str | None = None) -> Any:
        del package
        return name

    def version(name: str) -> str:
        del name
        return "2.16.0"

    monkeypatch.setattr(importlib.util, "find_spec", found)
    monkeypatch.setattr(importlib.metadata, "version", version)
    assert "2.16.0" in refused("totalsegmentator-version").reason


def test_every_class_belongs_to_a_region_or_a_guide() -> None:
    assert set(totalsegmentator.CLASSES) <= {*REGIONS, *GUIDES}


@pytest.mark.parametrize("region", TotalSegmentatorSettings().regions)
def test_every_region_by_default_has_its_classes(region: str) -> None:
    names = totalsegmentator._names((region,))
    assert all(name in totalsegmentator.CLASSES for name in names)


def test_parts_of_the_aorta_ask_for_the_whole_and_for_the_branches_that_guide_its_split() -> None:
    names = totalsegmentator._names(("ascending_aorta", "aortic_arch", "liver"))
    assert names == ("aorta", "liver", "brachiocephalic_trunk", "left_subclavian")
