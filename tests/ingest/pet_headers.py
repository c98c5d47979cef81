"""Headers of the tiny PET of tests/dicom, changed by a test, as ingest hands them to a derivation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dicom_twin import dataset, encoded, setting
from pydicom.dataset import Dataset

from petproc.core.errors import Refusal
from petproc.core.suv import suv_per_activity
from petproc.dicom.header import Header
from petproc.dicom.instance import parse
from petproc.ingest.derivation import Derivation, derive

Change = Callable[[Dataset, int], None]
SLICES = 3


def headers(*changes: Change, slices: int = SLICES, **tags: Any) -> tuple[Header, ...]:
    """Slices upwards; `tags` are set in all of them (None takes one away), `changes(dataset, k)` edit each."""
    made = []
    for k in range(slices):
        one = dataset("PT", k)
        setting(**tags)(one, k)
        for change in changes:
            change(one, k)
        made.append(parse(encoded(one))[0])
    return tuple(made)


def derived(*changes: Change, slices: int = SLICES, **tags: Any) -> Derivation:
    return derive(headers(*changes, slices=slices, **tags), tracer="FDG")


def suv_factors(known: Derivation, variant: str = "bw") -> list[float]:
    """SUV per rescaled pixel value of each slice."""
    return [factor * suv_per_activity(known.acquisition, variant) for factor in known.value_factor]


def codes(known: Derivation) -> set[str]:
    return {finding.code for finding in known.findings}


def unknown(known: Derivation) -> dict[str, str]:
    return {why.quantity: why.code for why in known.acquisition.unknown}


def code_of(act: Callable[[], object]) -> str:
    """The code of the refusal that `act` must end in."""
    with pytest.raises(Refusal) as refusal:
        act()
    assert refusal.value.remedy
    return refusal.value.code
