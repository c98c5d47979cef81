"""Standardised uptake value: numbers in, factor out.

SUVbw = activity[Bq/mL] * weight[g] / dose[Bq] decayed to the time at which the activity is valid (g/mL).
"""

from __future__ import annotations

import math

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal

F18_HALF_LIFE_S = 6586.2


def decay_factor(seconds: float, half_life_s: float) -> float:
    """Fraction of activity left after `seconds`."""
    return math.exp(-math.log(2.0) / half_life_s * seconds)


def suv_bw_factor(acquisition: PetAcquisition) -> float:
    """SUVbw per Bq/mL of the volume (g/mL per Bq/mL); a `Refusal` names what is missing."""
    missing = [
        name
        for name, value in (
            ("PatientWeight (0010,1030)", acquisition.weight_kg),
            ("RadionuclideTotalDose (0018,1074)", acquisition.injected_activity_bq),
            ("RadiopharmaceuticalStartDateTime (0018,1078)", acquisition.injection_time),
            ("the decay reference time", acquisition.decay_reference_time),
        )
        if value is None
    ]
    if missing:
        raise Refusal("suv-unknown", f"SUVbw needs {', '.join(missing)}.", "Ask the site for it.")
    assert acquisition.weight_kg and acquisition.injected_activity_bq
    assert acquisition.injection_time and acquisition.decay_reference_time
    waited_s = (acquisition.decay_reference_time - acquisition.injection_time).total_seconds()
    dose_bq = acquisition.injected_activity_bq * decay_factor(waited_s, acquisition.half_life_s)
    return acquisition.weight_kg * 1000.0 / dose_bq
