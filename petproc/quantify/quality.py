"""What about the participant's preparation makes a scan hard to compare with others: noticed and said, never corrected.

The limits are usual ones of vascular FDG imaging (EANM: two hours of uptake, fasting, glucose) and proposals of ours
(dose per kg, the difference between visits in `compare`); those for tumours, an hour of uptake, do not apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding
from petproc.core.suv import VARIANTS
from petproc.core.tables import UptakeRow
from petproc.core.worksheet import Applied

GLUCOSE_MMOL_L = (7.0, 11.0)
FASTING_H = (6.0, 4.0)
DOSE_MBQ_PER_KG = (2.5, 5.0)
UPTAKE_MIN = (90.0, 150.0)


def preparation_findings(applied: Applied, variant: str) -> Iterator[Finding]:
    """Of glucose, fasting, dose, and of whether the SUV `variant` suits this person."""
    glucose, fasting = applied.glucose_mmol_l, applied.fasting_h
    if glucose is not None and glucose > GLUCOSE_MMOL_L[1]:
        words = f"Glucose was {glucose:g} mmol/L, above 11: blood keeps the tracer and every TBR reads low."
        yield Finding("glucose-very-high", f"{words} Consider to exclude the scan.")
    elif glucose is not None and glucose > GLUCOSE_MMOL_L[0]:
        yield Finding("glucose-high", f"Glucose was {glucose:g} mmol/L, above 7: uptake competes with it.")
    if fasting is not None and fasting < FASTING_H[1]:
        words = f"Fasted for {fasting:g} h, less than 4: the myocardium may be hot and glucose and insulin moving."
        yield Finding("fasting-very-short", f"{words} Consider to exclude the scan.")
    elif fasting is not None and fasting < FASTING_H[0]:
        yield Finding("fasting-short", f"Fasted for {fasting:g} h, less than 6: the myocardium may be hot.")
    yield from _dose_per_kg(applied.acquisition)
    yield from _body(applied.acquisition, variant)


def _dose_per_kg(acquisition: PetAcquisition) -> Iterator[Finding]:
    if not acquisition.injected_activity_bq or not acquisition.weight_kg:
        return
    per_kg = acquisition.injected_activity_bq / 1e6 / acquisition.weight_kg
    if not DOSE_MBQ_PER_KG[0] <= per_kg <= DOSE_MBQ_PER_KG[1]:
        words = (
            f"The dose was {per_kg:.2f} MBq/kg, outside 2.5 to 5: check dose and weight; few counts lift every maximum."
        )
        yield Finding("dose-per-kg-unusual", words)


def _body(acquisition: PetAcquisition, variant: str) -> Iterator[Finding]:
    """Nothing where the PET is carried as an SUV, whose body size was another's to choose."""
    of, height_cm = VARIANTS[variant], 100.0 * (acquisition.height_m or 0.0)
    if acquisition.unit != "Bq/mL" or "height_m" not in of.needs or not height_cm:
        return
    weight_kg = acquisition.weight_kg or 0.0  # ideal body weight needs none
    women = [acquisition.sex == "F"] if acquisition.sex in ("M", "F") else [False, True]
    sizes = [of.size(weight_kg, height_cm, woman) for woman in women]
    if len(set(sizes)) > 1:
        words = (
            f"The sex is {'O' if acquisition.sex else 'not told'}: of the {of.words} of a man and of a woman the mean"
        )
        yield Finding("sex-unknown-mean-taken", f"{words} is taken. Enter the sex in config/worksheet.tsv.")
    if sum(of.size(weight_kg + 0.5, height_cm, woman) for woman in women) < sum(sizes):
        words = f"At {weight_kg:g} kg and {height_cm:g} cm more weight gives less {of.words}: the formula turned over."
        yield Finding("lean-mass-turned-over", f"{words} Use the SUV variant lbm_janmahasatian.")


def uptake_findings(uptake: Sequence[UptakeRow]) -> Iterator[Finding]:
    """Of the time from injection to the imaging of each region that was measured."""
    times = {row.region: row.uptake_min for row in uptake if row.uptake_min is not None and row.status == "measured"}
    unusual = {region: time for region, time in times.items() if not UPTAKE_MIN[0] <= time <= UPTAKE_MIN[1]}
    if unusual:
        words = f"{min(unusual.values()):.0f} to {max(unusual.values()):.0f} min after the injection"
        where = ", ".join(unusual)
        yield Finding("uptake-time-unusual", f"Imaged {words}, outside 90 to 150 ({where}): a TBR grows with time.")
