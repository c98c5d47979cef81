"""What makes the raw output a BIDS dataset (BIDS 1.11), and the scans' results a derivative of it.

CT has no place in BIDS yet (BEP 24), a scan that was refused has empty files, and what the standard demands of a PET
(dose, time of injection, decay reference) is not told by every delivery. All of these stay where they are and are named
in `.bidsignore`, so that what remains is valid. Of participants only the label is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from petproc.core.tables import ScanRow

BIDS_VERSION = "1.11.1"
HOME = "https://bids.neuroimaging.io"
DEMANDED = ("InjectedRadioactivity", "InjectionStart", "ImageDecayCorrectionTime")
"""Sidecar keys that BIDS wants as numbers."""
CT_IGNORED = "ct"
"""Without a slash at the end: the validator does not see that a folder is one."""
PARTICIPANTS = {
    "participant_id": {"Description": "Label of the participant; who it is stands in no file of this dataset."}
}


@dataclass(frozen=True)
class ParticipantRow:
    """A row of `participants.tsv`."""

    participant_id: str


@dataclass(frozen=True)
class Dataset:
    """The files around the scans, as plain values."""

    description: Mapping[str, Any]
    readme: str
    participants: tuple[ParticipantRow, ...]
    ignored: tuple[str, ...]
    """lines of `.bidsignore`"""
    derived: Mapping[str, Any]
    """the description of what was made from the images"""


def raw_dataset(scans: Sequence[ScanRow], sidecars: Sequence[Mapping[str, Any]], *, version: str) -> Dataset:
    """The dataset of all `scans`; `sidecars` are those of the PETs of the included ones, in their order."""
    included = [scan for scan in scans if scan.include == "yes"]
    told = {_folder(scan): _why_not(sidecar) for scan, sidecar in zip(included, sidecars, strict=True)}
    reasons = {_folder(scan): told.get(_folder(scan), "excluded in config/scans.tsv") for scan in scans}
    left_out = {folder: why for folder, why in sorted(reasons.items()) if why}
    return Dataset(
        description=_description("PET/CT as ingested by petproc", "raw", version),
        readme=_readme(left_out),
        participants=tuple(ParticipantRow(f"sub-{label}") for label in sorted({scan.participant for scan in scans})),
        ignored=(CT_IGNORED, *left_out),
        derived={
            **_description("Vessels, alignment and samples of PET/CT by petproc", "derivative", version),
            "SourceDatasets": [{"URL": "../raw"}],
        },
    )


def _folder(scan: ScanRow) -> str:
    return f"sub-{scan.participant}/ses-{scan.session}"


def _why_not(sidecar: Mapping[str, Any]) -> str | None:
    """Why a scan cannot stand in a BIDS dataset; None where it can."""
    if sidecar["petproc"]["status"] == "refused":
        return f"refused ({sidecar['petproc']['refusal']['code']})"
    if missing := [key for key in DEMANDED if not isinstance(sidecar[key], int | float)]:
        return f"not told by the delivery: {', '.join(missing)}"
    return None


def _description(name: str, kind: str, version: str) -> dict[str, Any]:
    return {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": kind,
        "GeneratedBy": [{"Name": "petproc", "Version": version}],
    }


def _readme(left_out: Mapping[str, str]) -> str:
    lines = [
        "PET in Bq/mL at one reference time (or in the SUV that was delivered, see Units) and CT in HU, as petproc",
        f"took them from DICOM. The layout is that of BIDS {BIDS_VERSION} ({HOME}). CT has no place in",
        "the standard yet and is named in .bidsignore.",
        "",
        "Each sidecar holds under `petproc` what else is known of its image: the acquisition, how activity and SUV",
        "were derived, and for every slice and file the SOPInstanceUID and SHA-256 that lead back to the delivery.",
        "Names, birth dates, original identifiers and paths are in none of these files.",
    ]
    if left_out:
        lines += ["", "Scans that are not part of the dataset:", ""]
        lines += [f"- {folder}: {why}" for folder, why in left_out.items()]
    return "\n".join(lines) + "\n"
