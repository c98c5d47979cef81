"""Images and what belongs to them, between the stages of one scan. `files.pet`, `files.labels`, ... as in the rules."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.core.regions import GUIDES, REGIONS
from petproc.core.results import Alignment, Ingested, RegionOffset, Segmentation
from petproc.core.tables import IndexRow, Station
from petproc.core.volume import Labels, Unit, Volume
from petproc.io import (
    read_json,
    read_labels,
    read_rows,
    read_volume,
    write_json,
    write_labels,
    write_rows,
    write_table,
    write_volume,
)

if TYPE_CHECKING:
    from petproc.sample import Sample

Record = Mapping[str, Any]


@dataclass(frozen=True)
class LabelName:
    """A row of the table beside a label image, with the header that BIDS gives it."""

    index: int
    name: str


def require_ok(content: Record) -> None:
    """Raise the refusal that a record holds."""
    if content["status"] == "refused":
        raise Refusal(**content["refusal"])


def _read_record(path: Path) -> dict[str, Any]:
    content = read_json(path)
    require_ok(content)
    return content


# ingest ---------------------------------------------------------------------------------------------------------------


def read_index(paths: Sequence[Path], kind: str, series: str) -> list[IndexRow]:
    """Files of a series, from the index that inventory made; `paths` is empty where there is none."""
    if not paths:
        raise Refusal(
            "series-not-indexed",
            f"The {kind} series {series or '(none)'} of config/scans.tsv is not in any delivery seen so far.",
            "Correct the row, or run petproc inventory on the delivery that holds it.",
        )
    return [row for path in paths for row in read_rows(path, IndexRow)]


def write_ingested(files: SimpleNamespace, ingested: Ingested, record: Record, *, threads: int = 1) -> None:
    """PET and CT as NIfTI with a sidecar each, which holds the acquisition; the scan's findings are with its PET."""
    write_volume(files.pet, ingested.pet, threads=threads)
    write_volume(files.ct, ingested.ct, threads=threads)
    pet, ct = ingested.pet_sidecar, ingested.ct_sidecar
    write_json(files.pet_sidecar, {**pet, "petproc": {**record, **pet["petproc"]}})
    write_json(files.ct_sidecar, {**ct, "petproc": {**record, "findings": [], **ct["petproc"]}})


def read_pet(files: SimpleNamespace) -> Volume:
    """In Bq/mL, or in the unit of the SUV that could not be turned back into activity."""
    return read_volume(files.pet, cast(Unit, read_acquisition(files.pet_sidecar).unit))


def read_acquisition(sidecar: Path) -> PetAcquisition:
    ours = read_json(sidecar)["petproc"]
    require_ok(ours)
    return PetAcquisition.from_json(ours["acquisition"])


def read_ct(files: SimpleNamespace) -> Volume:
    require_ok(read_json(files.ct_sidecar)["petproc"])
    return read_volume(files.ct, "HU")


# segment --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadMask:
    """Label values as a file has them, which value is which region, and what was noticed."""

    labels: Labels
    names: dict[str, int]
    findings: tuple[Finding, ...]


def read_mask(files: SimpleNamespace, grid: Grid, names: Mapping[str, int | str], wanted: str) -> ReadMask:
    """Labels from another program: a NIfTI label map, or RTSTRUCT or SEG whose structures `names` calls by name.

    `files.mask` is empty where there is none; `grid` is that of the scan's CT.
    """
    from petproc.dicom.masks import CtSource, is_dicom, read_masks

    if not files.mask:
        raise Refusal(
            "mask-missing",
            f"The label image {wanted} is not there.",
            "Put it there, correct segment.imported.path, or exclude the scan with a reason.",
        )
    path = files.mask[0]
    with path.open("rb") as stream:
        dicom = is_dicom(stream.read(132))
    if any(isinstance(value, str) is not dicom for value in names.values()):
        raise Refusal(
            "mask-names-kind",
            f"{path.name} is {'DICOM' if dicom else 'a NIfTI label map'}, and segment.imported.names calls its "
            f"structures by {'number' if dicom else 'name'}.",
            "Give region: name for RTSTRUCT and SEG, region: value for NIfTI.",
        )
    if not dicom:
        numbers = {region: int(value) for region, value in names.items()}
        return ReadMask(read_labels(path, {value: region for region, value in numbers.items()}), numbers, ())
    slices = read_json(files.ct_sidecar)["petproc"]["slices"]
    source = CtSource(grid, tuple(entry["instance"] for entry in slices))
    ours = {**{name: region.value for name, region in REGIONS.items()}, **GUIDES}
    masks = read_masks(path, source, values={str(name): ours[region] for region, name in names.items()})
    return ReadMask(masks.labels, {region: ours[region] for region in names}, masks.findings)


def write_segmentation(files: SimpleNamespace, segmentation: Segmentation, record: Record) -> None:
    write_labels(files.labels, segmentation.labels)
    names = sorted(segmentation.labels.names.items())
    write_rows(files.label_names, [LabelName(*entry) for entry in names], LabelName)
    write_rows(files.centrelines, segmentation.stations, Station)
    scores = {region: dict(values) for region, values in segmentation.scores.items()}
    write_json(
        files.segmentation,
        {
            **record,
            "backend": segmentation.backend,
            "scores": scores,
            "absent": dict(segmentation.absent),
            "landmarks": {name: list(point) for name, point in segmentation.landmarks.items()},
            "made_with": dict(segmentation.made_with),
        },
    )


def read_segmentation(files: SimpleNamespace) -> Segmentation:
    content = _read_record(files.segmentation)
    names = {row.index: row.name for row in read_rows(files.label_names, LabelName)}
    return Segmentation(
        labels=read_labels(files.labels, names),
        stations=tuple(read_rows(files.centrelines, Station)),
        backend=content["backend"],
        scores=content["scores"],
        absent=content["absent"],
        landmarks={name: (x, y, z) for name, (x, y, z) in content["landmarks"].items()},
    )


# align ----------------------------------------------------------------------------------------------------------------


def write_alignment(files: SimpleNamespace, alignment: Alignment, record: Record) -> None:
    content = asdict(alignment)
    del content["findings"]
    write_json(files.alignment, {**record, **content})


def read_alignment(files: SimpleNamespace) -> Alignment:
    content = _read_record(files.alignment)
    return Alignment(
        translation_mm=tuple(content["translation_mm"]),
        rotation_deg=tuple(content["rotation_deg"]),
        centre_mm=tuple(content["centre_mm"]),
        uncertainty_mm=content["uncertainty_mm"],
        applied=content["applied"],
        rotation_uncertainty_deg=content["rotation_uncertainty_deg"],
        regions={region: _region_offset(told) for region, told in content["regions"].items()},
    )


def _region_offset(content: Record) -> RegionOffset:
    at, offset = (None if content[key] is None else tuple(content[key]) for key in ("at_mm", "offset_mm"))
    return RegionOffset(at, offset, content["uncertainty_mm"], content["reason"])


# sample ---------------------------------------------------------------------------------------------------------------


def read_scan(files: SimpleNamespace) -> tuple[Volume, Volume, PetAcquisition, Segmentation, Alignment]:
    """All that is known of a scan before it becomes tables."""
    return (
        read_pet(files),
        read_ct(files),
        read_acquisition(files.pet_sidecar),
        read_segmentation(files),
        read_alignment(files),
    )


def write_sample(files: SimpleNamespace, sample: Sample, record: Record) -> None:
    write_table(files.voxels, sample.voxels)
    write_table(files.stations, sample.stations)
    write_json(files.sample, {**record, **sample.sidecar})


def write_overlays(files: SimpleNamespace, figures: Mapping[str, bytes], record: Record) -> None:
    """Figures as base64 text, ready for a page."""
    encoded = {name: base64.b64encode(content).decode("ascii") for name, content in figures.items()}
    write_json(files.overlays, {**record, "figures": encoded})


def read_overlays(path: Path) -> dict[str, bytes]:
    """Figures by name; none of a scan that was refused."""
    return {name: base64.b64decode(text) for name, text in read_json(path).get("figures", {}).items()}
