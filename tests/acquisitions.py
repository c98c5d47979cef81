"""A PET acquisition in which a test says only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from petproc.core.acquisition import PetAcquisition


def acquired(times: Sequence[datetime], *, injection: datetime, **known: Any) -> PetAcquisition:
    """70 kg and 200 MBq of FDG, valid at injection; `times` are those of the slices, two minutes each."""
    usual = {
        "tracer": "FDG",
        "radionuclide": "F18",
        "half_life_s": 6586.2,
        "injected_activity_bq": 200e6,
        "injection_time": injection,
        "decay_reference_time": injection,
        "slice_acquisition_time": tuple(times),
        "slice_duration_s": (120.0,) * len(times),
        "weight_kg": 70.0,
        "height_m": 1.75,
        "sex": "M",
        "units": "BQML",
        "decay_correction": "START",
        "manufacturer": "",
        "model": "",
        "reconstruction": "",
    }
    return PetAcquisition(**{**usual, **known})
