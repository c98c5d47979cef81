"""What must be known about a PET acquisition to turn activity into SUV and place into uptake time."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal

from petproc.core.errors import Refusal

Sex = Literal["M", "F", "O"]

TAG_OF = {
    "injected_activity_bq": "RadionuclideTotalDose (0018,1074)",
    "injection_time": "RadiopharmaceuticalStartDateTime (0018,1078)",
    "weight_kg": "PatientWeight (0010,1030)",
    "height_m": "PatientSize (0010,1020)",
    "sex": "PatientSex (0010,0040)",
    "decay_reference_time": "the decay reference time",
}
"""Where a delivery tells what may be unknown."""


@dataclass(frozen=True)
class Unknown:
    """Why a quantity (a field of `PetAcquisition`) is None although it is wanted: what a refusal that needs it says."""

    quantity: str
    code: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class PetAcquisition:
    """One PET volume in Bq/mL, decay-corrected to one reference time.

    Every time is aware; where a delivery names no time zone, all times are taken as UTC, which cancels in differences.
    `None` means that the delivery does not say (or says nonsense, then `unknown` holds why): what needs it is refused,
    the rest goes on. Lists have one entry per slice k of the volume.
    """

    tracer: str
    radionuclide: str
    half_life_s: float
    injected_activity_bq: float | None
    """net, at the time of the injection"""
    injection_time: datetime | None
    decay_reference_time: datetime | None
    """The time at which the volume's Bq/mL are valid (decay correction ADMIN: the injection time)."""
    slice_acquisition_time: tuple[datetime, ...]
    """Start of the bed or frame that holds slice k."""
    slice_duration_s: tuple[float, ...]
    weight_kg: float | None
    height_m: float | None
    sex: Sex | None
    units: str
    """Units (0054,1001) of the delivered pixels."""
    decay_correction: str
    """DecayCorrection (0054,1102) of the delivered pixels."""
    manufacturer: str
    model: str
    reconstruction: str
    unit: str = "Bq/mL"
    """of the volume; g/mL or cm2/mL where an SUV could not be turned back into activity and is carried as it is"""
    suv_type: str | None = None
    """which SUV (a name of `core.suv.VARIANTS`) was delivered, where Units are those of an SUV"""
    unknown: tuple[Unknown, ...] = ()

    def uptake_min(self, k: int) -> float | None:
        """Minutes from injection to the start of the acquisition of slice `k`."""
        if self.injection_time is None:
            return None
        return (self.slice_acquisition_time[k] - self.injection_time).total_seconds() / 60.0

    def why_unknown(self, quantity: str) -> Refusal:
        """The refusal of whatever needs `quantity`."""
        for why in self.unknown:
            if why.quantity == quantity:
                return Refusal(why.code, why.reason, why.remedy)
        return Refusal(
            "suv-unknown",
            f"The delivery does not tell {TAG_OF.get(quantity, quantity)}.",
            "Enter it in config/worksheet.tsv.",
        )

    def to_json(self) -> dict[str, Any]:
        entry = asdict(self)
        for name in ("injection_time", "decay_reference_time"):
            entry[name] = entry[name].isoformat() if entry[name] else None
        entry["slice_acquisition_time"] = [time.isoformat() for time in self.slice_acquisition_time]
        entry["slice_duration_s"] = list(self.slice_duration_s)
        entry["unknown"] = list(entry["unknown"])
        return entry

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> PetAcquisition:
        values = {field.name: entry[field.name] for field in fields(cls)}
        for name in ("injection_time", "decay_reference_time"):
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
        values["slice_acquisition_time"] = tuple(map(datetime.fromisoformat, values["slice_acquisition_time"]))
        values["slice_duration_s"] = tuple(values["slice_duration_s"])
        values["unknown"] = tuple(Unknown(**why) for why in values["unknown"])
        return cls(**values)
