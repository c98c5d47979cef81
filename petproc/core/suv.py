"""Standardised uptake value: numbers in, factor out.

SUV = activity[Bq/mL] * size / dose[Bq] decayed to the time at which the activity is valid; the size is what a variant
is named after: body weight in g, lean body mass in g, body surface in cm2, ideal body weight in g.

Formulas, W in kg and H in cm: DICOM PS3.3 C.8.9.1 (SUVType), PS3.16 CID 85; James 1976; Janmahasatian 2005
doi:10.2165/00003088-200544100-00004; Du Bois 1916; Sugawara 1999 (lean body mass with 120). For a sex that is not
told or is O the mean of both is taken, and a finding says so where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from petproc.core.acquisition import PetAcquisition, Sex
from petproc.core.errors import Refusal

F18_HALF_LIFE_S = 6586.2
GLUCOSE_MMOL_L = 5.55
"""100 mg/dL, to which SUV is usually normalised; some guidelines take 5.0 mmol/L."""


@dataclass(frozen=True)
class SuvVariant:
    """`size(weight_kg, height_cm, woman)` in kg or m2; `scale` turns that into g or cm2."""

    name: str
    unit: str
    words: str
    needs: tuple[str, ...]
    """of `weight_kg`, `height_m`; those that need the height depend on the sex too, but for the body surface"""
    size: Callable[[float, float, bool], float]
    scale: float = 1000.0


def _james(weight: float, height: float, woman: bool) -> float:
    ratio = (weight / height) ** 2
    return 1.07 * weight - 148.0 * ratio if woman else 1.10 * weight - 128.0 * ratio


def _sugawara(weight: float, height: float, woman: bool) -> float:
    ratio = (weight / height) ** 2
    return 1.07 * weight - 148.0 * ratio if woman else 1.10 * weight - 120.0 * ratio


def _janmahasatian(weight: float, height: float, woman: bool) -> float:
    bmi = weight / (height / 100.0) ** 2
    return 9270.0 * weight / (8780.0 + 244.0 * bmi if woman else 6680.0 + 216.0 * bmi)


def _ideal(_: float, height: float, woman: bool) -> float:
    return 45.5 + 0.91 * (height - 152.0) if woman else 48.0 + 1.06 * (height - 152.0)


def _surface(weight: float, height: float, _: bool) -> float:
    return 0.007184 * float(height**0.725) * float(weight**0.425)


BOTH = ("weight_kg", "height_m")
VARIANTS: dict[str, SuvVariant] = {
    variant.name: variant
    for variant in (
        SuvVariant("bw", "g/mL", "body weight", ("weight_kg",), lambda weight, _, __: weight),
        SuvVariant("lbm_james", "g/mL", "lean body mass (James)", BOTH, _james),
        SuvVariant("lbm_janmahasatian", "g/mL", "lean body mass (Janmahasatian)", BOTH, _janmahasatian),
        SuvVariant("lbm_sugawara", "g/mL", "lean body mass (Sugawara)", BOTH, _sugawara),
        SuvVariant("ibw", "g/mL", "ideal body weight", ("height_m",), _ideal),
        SuvVariant("bsa", "cm2/mL", "body surface area", BOTH, _surface, 1e4),
    )
}


def decay_factor(seconds: float, half_life_s: float) -> float:
    """Fraction of activity left after `seconds`."""
    return math.exp(-math.log(2.0) / half_life_s * seconds)


def body_size(variant: str, *, weight_kg: float | None, height_m: float | None, sex: Sex | None) -> float:
    """What activity over dose is multiplied with: g, or cm2 for the body surface. A `Refusal` where it is no size."""
    of = VARIANTS[variant]
    weight, height_cm = weight_kg or 0.0, 100.0 * (height_m or 0.0)
    sexes = [sex == "F"] if sex in ("M", "F") else [False, True]
    size = sum(of.size(weight, height_cm, woman) for woman in sexes) / len(sexes)
    if size <= 0:
        raise Refusal(
            "body-size-implausible",
            f"The {of.words} of somebody of {weight:g} kg and {height_cm:g} cm comes out as {size:.1f}.",
            "Correct weight and height in config/worksheet.tsv, or choose another SUV variant.",
        )
    return size * of.scale


def glucose_factor(glucose_mmol_l: float | None, reference_mmol_l: float | None) -> float:
    """What an SUV is multiplied with to be corrected for blood glucose: glucose / reference, 1 without a reference.

    A `Refusal` where the glucose is not known.
    """
    if reference_mmol_l is None:
        return 1.0
    if glucose_mmol_l is None:
        raise Refusal(
            "glucose-unknown",
            "SUV is to be corrected for glucose, and the glucose at the scan is not known.",
            "Enter glucose_mmol_l in config/worksheet.tsv.",
        )
    return glucose_mmol_l / reference_mmol_l


def suv_per_activity(acquisition: PetAcquisition, variant: str = "bw") -> float:
    """SUV of `variant` per unit of the volume (Bq/mL, or an SUV where it is carried as one).

    A volume that is valid at an injection whose time nobody told (decay correction ADMIN) needs no time. A `Refusal`
    names what is missing, by the reason for which it is not known where there is one.
    """
    of = VARIANTS[variant]
    if acquisition.unit != "Bq/mL":
        if acquisition.suv_type == variant:
            return 1.0
        raise Refusal(
            "suv-carried",
            f"The PET was delivered as SUV by {VARIANTS[acquisition.suv_type or 'bw'].words} and cannot be turned into "
            f"activity, so SUV by {of.words} is not known.",
            "Enter weight and dose of the scan in the delivery, or use the SUV that was delivered.",
        )
    doubted = any(why.quantity == "decay_reference_time" for why in acquisition.unknown)
    at_injection = acquisition.decay_correction == "ADMIN" and not (acquisition.decay_reference_time or doubted)
    times = () if at_injection else ("injection_time", "decay_reference_time")
    needed = (*of.needs, "injected_activity_bq", *times)
    if missing := [name for name in needed if getattr(acquisition, name) is None]:
        raise acquisition.why_unknown(missing[0])
    assert acquisition.injected_activity_bq
    waited_s = 0.0
    if not at_injection:
        assert acquisition.injection_time and acquisition.decay_reference_time
        waited_s = (acquisition.decay_reference_time - acquisition.injection_time).total_seconds()
    dose_bq = acquisition.injected_activity_bq * decay_factor(waited_s, acquisition.half_life_s)
    size = body_size(variant, weight_kg=acquisition.weight_kg, height_m=acquisition.height_m, sex=acquisition.sex)
    return size / dose_bq
