"""The site's worksheet over the tags of a scan: what it says is taken, and what was not taken is kept.

Times in a cell are `HH:MM` or `HH:MM:SS` on the scanner's clock, or ISO dates with time. An injection lies on the day
of the scan or, where that would be after its start, on the day before; dose and residual were measured on the day that
puts them nearest to the injection. What a cell may say at all is in `core.worksheet_cells`.

Net dose = dose decayed from its time to the injection - residual decayed from its time to the injection (back to it,
where it was measured later).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from petproc.core.acquisition import TAG_OF, PetAcquisition, Sex, Unknown
from petproc.core.errors import Finding
from petproc.core.suv import VARIANTS, decay_factor
from petproc.core.tables import InputRow, WorksheetRow
from petproc.core.worksheet_cells import Moment, check, moment_of, place

QUANTITIES = {
    "fasting_h": "h",
    "glucose_mmol_l": "mmol/L",
    "height_m": "m",
    "injected_activity_bq": "Bq",
    "injection_time": "",
    "sex": "",
    "weight_kg": "kg",
}
"""What `inputs.tsv` tells of a scan, in its order, with the unit of each."""
HALF_LIVES_MAX = 6.0
"""An injection, or a measurement of its dose, longer ago than this is a wrong date: 1.6 % would be left."""
DOSE_FRACTION, WEIGHT_KG, INJECTION_MIN, HEIGHT_M = 0.05, 5.0, 10.0, 0.05
"""From here on worksheet and tag differ by more than a slip of rounding."""

Source = Literal["worksheet", "tag", "none"]


class Applied(NamedTuple):
    """A scan with its worksheet: `acquisition` as SUV and uptake time need it, and where every value came from."""

    acquisition: PetAcquisition
    inputs: tuple[InputRow, ...]
    findings: tuple[Finding, ...]
    glucose_mmol_l: float | None
    fasting_h: float | None


class _Taken(NamedTuple):
    """A quantity decided: `why` is the refusal of whatever needs it, where the worksheet cannot be right."""

    value: Any
    source: Source
    rejected: str | None = None
    reason: str | None = None
    why: Unknown | None = None


def apply(acquisition: PetAcquisition, row: WorksheetRow | None, *, participant: str, session: str) -> Applied:
    """`acquisition` with what the worksheet's `row` says of it; without a row, as the tags tell it.

    A cell out of its limits is a `Refusal`. A cell that contradicts the scan leaves its quantity unknown with the
    reason, and what does not need it is measured.
    """
    row = row or WorksheetRow(participant, session, *(None,) * 11)
    check(row)
    taken = {
        "weight_kg": _either(acquisition, "weight_kg", row.weight_kg),
        "height_m": _either(acquisition, "height_m", None if row.height_cm is None else row.height_cm / 100.0),
        "sex": _either(acquisition, "sex", row.sex),
        "injection_time": _injection(acquisition, row),
        "glucose_mmol_l": _Taken(row.glucose_mmol_l, "none" if row.glucose_mmol_l is None else "worksheet"),
        "fasting_h": _Taken(row.fasting_h, "none" if row.fasting_h is None else "worksheet"),
    }
    taken["injected_activity_bq"] = _dose(acquisition, row, taken["injection_time"].value)
    known, findings = _acquisition(acquisition, taken)
    inputs = tuple(
        InputRow(
            participant, session, name, _text(one.value), unit, one.source, one.rejected, _reason(known, name, one)
        )
        for name, unit in QUANTITIES.items()
        for one in (taken[name],)
    )
    findings = (*findings, *_differences(acquisition, known, taken))
    return Applied(known, inputs, findings, row.glucose_mmol_l, row.fasting_h)


def no_inputs(participant: str, session: str, reason: str) -> tuple[InputRow, ...]:
    """The rows of a scan that was refused before anything was known of it."""
    return tuple(
        InputRow(participant, session, name, None, unit, "none", None, reason) for name, unit in QUANTITIES.items()
    )


def _either(acquisition: PetAcquisition, name: str, entered: Any) -> _Taken:
    told = getattr(acquisition, name)
    if entered is not None:
        return _Taken(entered, "worksheet", _by_tag(acquisition, name))
    return _Taken(told, "none" if told is None else "tag")


def _by_tag(acquisition: PetAcquisition, name: str) -> str | None:
    """What the tag says, or what is wrong with it; None where it says nothing."""
    if (told := getattr(acquisition, name)) is not None:
        return f"tag: {_text(told)}"
    return next((f"tag: {why.code}: {why.reason}" for why in acquisition.unknown if why.quantity == name), None)


def _injection(acquisition: PetAcquisition, row: WorksheetRow) -> _Taken:
    if row.injection_time is None:
        return _either(acquisition, "injection_time", None)
    first = min(acquisition.slice_acquisition_time)
    entered = moment_of(row.injection_time)
    if _other_zone(entered, first):
        return _contradicts(acquisition, "injection_time", _zone(row, "injection_time", row.injection_time))
    at = place(entered, first, before=True)
    waited_s = (first - at).total_seconds()
    if not 0.0 <= waited_s <= HALF_LIVES_MAX * acquisition.half_life_s:
        hours = HALF_LIVES_MAX * acquisition.half_life_s / 3600.0
        why = Unknown(
            "injection_time",
            "worksheet-injection-implausible",
            f"{_cell(row, 'injection_time')} is {at:%Y-%m-%d %H:%M:%S}, {waited_s / 60.0:.0f} min before the PET "
            f"began; from 0 to {60.0 * hours:.0f} min (6 half-lives) is allowed.",
            "Correct it; HH:MM needs no date.",
        )
        return _contradicts(acquisition, "injection_time", why)
    return _either(acquisition, "injection_time", at)


def _dose(acquisition: PetAcquisition, row: WorksheetRow, injected: datetime | None) -> _Taken:
    """Net dose at the injection, Bq."""
    name = "injected_activity_bq"
    if row.dose_mbq is None and row.residual_mbq is None:
        return _either(acquisition, name, None)
    told = acquisition.injected_activity_bq
    dose = _at_injection(acquisition, row, "dose", injected)
    residual = _at_injection(acquisition, row, "residual", injected)
    if why := next((one for one in (dose, residual) if isinstance(one, Unknown)), None):
        return _contradicts(acquisition, name, why)
    assert not isinstance(dose, Unknown) and not isinstance(residual, Unknown)
    if row.dose_mbq is None and told is None:
        return _Taken(
            None, "none", f"worksheet: a residual of {row.residual_mbq:g} MBq", "A residual alone is no dose."
        )
    whole, left = told if dose is None else dose, residual or 0.0
    assert whole is not None
    if left >= whole:
        words = (
            f"{_cell(row, 'residual_mbq')} is {left / 1e6:.4g} MBq at the injection, the dose {whole / 1e6:.4g} MBq."
        )
        why = Unknown(
            name, "worksheet-residual", words, "Correct dose, residual or their times: less is left than given."
        )
        return _contradicts(acquisition, name, why)
    if residual is None:
        return _Taken(whole, "worksheet", _by_tag(acquisition, name), "Not corrected for a residual: none was entered.")
    words = f"residual of {left / 1e6:.4g} MBq at the injection"
    if dose is None:
        reason = f"The tag's dose less the worksheet's {words}."
        return _Taken(whole - left, "tag", f"{_by_tag(acquisition, name)} (before the residual)", reason)
    return _Taken(whole - left, "worksheet", _by_tag(acquisition, name), f"Net of a {words}.")


def _at_injection(
    acquisition: PetAcquisition, row: WorksheetRow, what: str, injected: datetime | None
) -> float | Unknown | None:
    """Activity of the dose or the residual at the injection, Bq; None where the worksheet says nothing of it."""
    entered_mbq: float | None = getattr(row, f"{what}_mbq")
    column, text = f"{what}_time", getattr(row, f"{what}_time")
    if entered_mbq is None or text is None:
        return None if entered_mbq is None else entered_mbq * 1e6
    name = "injected_activity_bq"
    if injected is None:
        words = f"{_cell(row, column)} is {text}, and the time of the injection is not known."
        return Unknown(name, "worksheet-dose-undated", words, "Enter injection_time, or the dose at the injection.")
    entered = moment_of(text)
    if _other_zone(entered, injected):
        return replace(_zone(row, column, text), quantity=name)
    waited_s = (injected - place(entered, injected)).total_seconds()
    if abs(waited_s) > HALF_LIVES_MAX * acquisition.half_life_s:
        words = f"{_cell(row, column)} is {abs(waited_s) / 60.0:.0f} min from the injection; 6 half-lives are allowed."
        return Unknown(name, "worksheet-dose-time", words, "Correct it; HH:MM needs no date.")
    return entered_mbq * 1e6 * decay_factor(waited_s, acquisition.half_life_s)


def _other_zone(entered: Moment, clock: datetime) -> bool:
    """Whether a cell has a time zone that the scan's clock, taken as UTC where none is told, may not be in."""
    return isinstance(entered, datetime) and bool(entered.utcoffset()) and not clock.utcoffset()


def _zone(row: WorksheetRow, column: str, text: str) -> Unknown:
    return Unknown(
        column,
        "worksheet-time-zone",
        f"{_cell(row, column)} is {text}, with a time zone, and the delivery names none: the hours apart are unknown.",
        "Enter it without a zone, as the scanner's clock shows it.",
    )


def _contradicts(acquisition: PetAcquisition, name: str, why: Unknown) -> _Taken:
    """Neither the worksheet, which cannot be right, nor the tag, which it was meant to correct."""
    rejected = "; ".join(filter(None, (f"worksheet: {why.code}", _by_tag(acquisition, name))))
    return _Taken(None, "none", rejected, f"{why.reason} {why.remedy}", why)


def _acquisition(acquisition: PetAcquisition, taken: dict[str, _Taken]) -> tuple[PetAcquisition, tuple[Finding, ...]]:
    values = {name: one.value for name, one in taken.items() if name in TAG_OF}
    findings: tuple[Finding, ...] = ()
    lacking = acquisition.decay_correction == "ADMIN" and acquisition.decay_reference_time is None
    if lacking and values["injection_time"] is not None:
        values["decay_reference_time"] = values["injection_time"]
        words = (
            "The PET is decay-corrected to the injection (DecayCorrection (0054,1102) is ADMIN), whose time no tag "
            "tells: its values are taken as valid at the injection time of the worksheet."
        )
        findings = (Finding("reference-from-worksheet", words),)
    known = replace(acquisition, **values)
    contradicted = [one.why for one in taken.values() if one.why]
    open_still = [why for why in acquisition.unknown if getattr(known, why.quantity, None) is None]
    settled = {why.quantity for why in contradicted}
    unknown = (*(why for why in open_still if why.quantity not in settled), *contradicted)
    return replace(known, unknown=unknown), findings


def _reason(known: PetAcquisition, name: str, taken: _Taken) -> str | None:
    """Why there is no value, or why it does not enter into the SUV."""
    reason = taken.reason
    if taken.value is None and reason is None and name in TAG_OF:
        why = known.why_unknown(name)
        reason = f"{why.code}: {why.reason}"
    if known.unit != "Bq/mL" and name in ("injected_activity_bq", "weight_kg", "height_m", "sex"):
        by = VARIANTS[known.suv_type or "bw"].words
        carried = f"Not used: the PET is carried as the SUV by {by} that was delivered, not as activity."
        reason = f"{reason} {carried}" if reason else carried
    return reason


def _differences(tags: PetAcquisition, known: PetAcquisition, taken: dict[str, _Taken]) -> Iterator[Finding]:
    """Where the worksheet is far from the tag, one of the two is of somebody, or some day, else."""
    entered = {name for name, one in taken.items() if one.source == "worksheet"}
    both = {name for name in entered & set(TAG_OF) if getattr(tags, name) is not None}
    was = {name: getattr(tags, name) for name in both}
    now = {name: getattr(known, name) for name in both}
    name = "injected_activity_bq"
    if name in both and abs(now[name] - was[name]) > DOSE_FRACTION * was[name]:
        words = (
            f"The dose is {now[name] / 1e6:.1f} MBq by the worksheet and {was[name] / 1e6:.1f} MBq by {TAG_OF[name]}."
        )
        yield Finding("worksheet-dose-differs", f"{words} They differ by more than 5 %; the worksheet's is used.")
    name = "weight_kg"
    if name in both and abs(now[name] - was[name]) > WEIGHT_KG:
        words = f"The weight is {now[name]:g} kg by the worksheet and {was[name]:g} kg by {TAG_OF[name]}."
        yield Finding("worksheet-weight-differs", f"{words} They differ by more than 5 kg; the worksheet's is used.")
    name = "height_m"
    if name in both and abs(now[name] - was[name]) > HEIGHT_M:
        words = f"The height is {now[name]:g} m by the worksheet and {was[name]:g} m by {TAG_OF[name]}."
        yield Finding("worksheet-height-differs", f"{words} They differ by more than 5 cm; the worksheet's is used.")
    name = "sex"
    if name in both and now[name] != was[name]:
        words = f"The sex is {now[name]} by the worksheet and {was[name]} by {TAG_OF[name]}."
        yield Finding("worksheet-sex-differs", f"{words} The worksheet's is used.")
    name = "injection_time"
    if name in both and abs((now[name] - was[name]).total_seconds()) > 60.0 * INJECTION_MIN:
        words = f"The injection was at {now[name]:%H:%M} by the worksheet and at {was[name]:%H:%M} by {TAG_OF[name]}."
        yield Finding("worksheet-injection-differs", f"{words} More than 10 min apart; the worksheet's is used.")


def _cell(row: WorksheetRow, column: str) -> str:
    return f"config/worksheet.tsv, participant {row.participant}, session {row.session}: {column}"


def _text(value: float | datetime | Sex | None) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)
