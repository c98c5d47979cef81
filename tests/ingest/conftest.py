"""The tiny PET/CT of tests/dicom, and where deliveries of others may be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "dicom"))

SHARED = Path(__file__).parents[2] / "../shared/data"


@pytest.fixture
def shared():
    """A delivery of `../shared/data`; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"../shared/data/{name} is not here")
        return path

    return find
