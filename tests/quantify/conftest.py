"""The hand-made scan as fixtures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hand_made import AORTA, CAVA, Vessel, acquisition, scan_of

from petproc.core.acquisition import PetAcquisition
from petproc.quantify import ScanTables


@pytest.fixture
def aorta() -> Vessel:
    """In plane k the voxel on the axis reads 8000 + 400 k Bq/mL: SUVmax 4 + 0.2 k, TBRmax 2 + 0.1 k."""
    return AORTA


@pytest.fixture
def cava() -> Vessel:
    """Blood of 4000 Bq/mL: SUV 2."""
    return CAVA


@pytest.fixture
def scan() -> ScanTables:
    return scan_of(AORTA, CAVA)


@pytest.fixture
def make_scan() -> Callable[..., ScanTables]:
    return scan_of


@pytest.fixture
def make_acquisition() -> Callable[..., PetAcquisition]:
    return acquisition
