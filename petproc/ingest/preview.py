"""What ingest will say of a PET and its CT, from their headers: queries before any hour of computing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from petproc.core.acquisition import TAG_OF
from petproc.core.errors import Finding, Refusal
from petproc.dicom.geometry import stack
from petproc.dicom.header import Header
from petproc.dicom.series import Instance, Series, SourceFile, assembled
from petproc.ingest.derivation import derive
from petproc.ingest.ledger import EMPTY
from petproc.ingest.queries import Noted
from petproc.ingest.seen import SeriesSeen
from petproc.ingest.tellable import named_in, value_of
from petproc.ingest.window import one_image
from petproc.settings import IngestSettings


def preview(pet: SeriesSeen, scan: str, settings: IngestSettings) -> list[Noted]:
    """Findings, unknown quantities and refusals that ingest would have for the chosen PET of a scan."""
    headers = pet.headers()
    try:
        series = _series(headers)
        _, known = one_image(series, derive(series.headers, tracer=settings.tracer), settings.window_min)
    except Refusal as refusal:
        return [_with_tags(Noted.refused(pet.uid, refusal, scan), refusal.reason, headers)]
    unknown = [
        Noted(pet.uid, Finding(why.code, f"{why.reason} {why.remedy}"), scan, TAG_OF.get(why.quantity, EMPTY))
        for why in known.acquisition.unknown
    ]
    asked = {one.finding.code for one in unknown}
    findings = [one for one in (*series.findings, *known.findings) if one.code not in asked]
    noted = [Noted(pet.uid, one, scan) for one in dict.fromkeys(findings)]
    return [_with_tags(one, one.finding.message, headers) for one in (*unknown, *noted)]


def preview_ct(ct: SeriesSeen, scan: str) -> list[Noted]:
    """What ingest would say of the places of a CT's slices."""
    try:
        return [Noted(ct.uid, one, scan) for one in stack(ct.headers()).findings]
    except Refusal as refusal:
        return [Noted.refused(ct.uid, refusal, scan)]


def _series(headers: Sequence[Header]) -> Series:
    """The series as ingest would read it, without pixels."""
    return assembled([Instance(one, 0, SourceFile(one.text("SOPInstanceUID") or "", "", 0), b"") for one in headers])


def _with_tags(noted: Noted, said: str, headers: Sequence[Header]) -> Noted:
    """The tags that a message names, with what stands in them."""
    tags = named_in(said) if noted.tag == EMPTY else [noted.tag]
    values = [value for tag in tags if (value := value_of(tag, headers))]
    return replace(noted, tag="; ".join(tags) or EMPTY, value="; ".join(values) or EMPTY)
