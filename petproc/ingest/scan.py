"""One PET/CT from its files to images: the stage `ingest`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from petproc.core.errors import Finding, Refusal
from petproc.core.results import Ingested
from petproc.core.tables import IndexRow
from petproc.core.volume import Unit, Volume
from petproc.dicom.header import Header
from petproc.dicom.rescale import activity, hounsfield
from petproc.dicom.series import Series, read_series
from petproc.dicom.tilt import straightened
from petproc.ingest.derivation import Derivation, derive
from petproc.ingest.pair import check_pair
from petproc.ingest.sidecars import ct_sidecar, pet_sidecar
from petproc.ingest.units import quoted
from petproc.ingest.window import one_image
from petproc.settings import IngestSettings


def ingest_scan(
    pet_files: Sequence[IndexRow],
    ct_files: Sequence[IndexRow],
    *,
    settings: IngestSettings,
    threads: int,
    scan: str,
) -> Ingested:
    """PET in Bq/mL at one reference time and CT in HU, each on its own grid, k upwards.

    Reads every file once, from its folder or zip archive. Raises a `Refusal` that names `scan` where the delivery
    cannot be measured; whatever order the files are listed in, the result is the same.
    """
    try:
        return _ingest(pet_files, ct_files, settings=settings, threads=threads)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.reason, refusal.remedy, scan) from refusal


def _ingest(
    pet_files: Sequence[IndexRow], ct_files: Sequence[IndexRow], *, settings: IngestSettings, threads: int
) -> Ingested:
    pet, known = read_pet(pet_files, settings=settings, threads=threads)
    ct = _read_ct(ct_files, threads)
    findings = (*_of("PET", pet), *_of("CT", ct), *known.findings, *check_pair(pet, ct))
    with _about("PET"):
        values = activity(pet, known.value_factor, threads=threads)
    with _about("CT"):
        hu, straightening = read_ct_values(ct, threads=threads)
    return Ingested(
        pet=Volume(values, pet.grid, cast(Unit, known.acquisition.unit)),
        ct=hu,
        acquisition=known.acquisition,
        pet_sidecar=pet_sidecar(pet, known),
        ct_sidecar=ct_sidecar(ct),
        findings=(*findings, *straightening),
    )


def read_pet(files: Sequence[IndexRow], *, settings: IngestSettings, threads: int) -> tuple[Series, Derivation]:
    """A PET whose values are activity at a known time, or a `Refusal`; its pixels are not rescaled yet.

    Of a dynamic or gated PET the frames that `settings.window_min` chooses, to be averaged by `value_factor`.
    """
    if not files:
        raise Refusal(
            "pet-missing",
            "There is no PET for this scan.",
            "Ask the site for the PET of the PET/CT, or exclude the scan with a reason.",
        )
    pet = _read("PET", files, threads)
    _check_modality(pet.first, "PT")
    return one_image(pet, derive(pet.headers, tracer=settings.tracer), settings.window_min)


def _read_ct(files: Sequence[IndexRow], threads: int) -> Series:
    if not files:
        raise Refusal(
            "ct-missing",
            "There is no CT for this scan.",
            "Ask the site for the CT of the PET/CT, or exclude the scan with a reason.",
        )
    ct = _read("CT", files, threads)
    _check_modality(ct.first, "CT")
    return ct


def read_ct_values(ct: Series, *, threads: int) -> tuple[Volume, tuple[Finding, ...]]:
    """The CT in HU; on a right-angled grid of its own where the gantry was tilted, with a finding that says so."""
    hu = Volume(hounsfield(ct, threads=threads), ct.grid, "HU")
    if not ct.tilt_deg:
        return hu, ()
    straight, finding = straightened(hu, threads=threads)
    return straight, (finding,)


def _read(name: str, files: Sequence[IndexRow], threads: int) -> Series:
    """A series in a fixed order of its files, so that messages do not depend on theirs."""
    with _about(name):
        return read_series(sorted(files, key=lambda row: row.instance), threads=threads)


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Refusals inside say which image they are about."""
    try:
        yield
    except Refusal as refusal:
        raise Refusal(refusal.code, f"{name}: {refusal.reason}", refusal.remedy) from refusal


def _of(name: str, series: Series) -> tuple[Finding, ...]:
    return tuple(Finding(one.code, f"{name}: {one.message}", one.severity) for one in series.findings)


def _check_modality(header: Header, expected: str) -> None:
    if (found := header.text("Modality")) != expected:
        raise Refusal(
            "wrong-modality",
            f"The series in the column {'pet' if expected == 'PT' else 'ct'} has Modality {quoted(found)}.",
            "Correct config/scans.tsv.",
        )
