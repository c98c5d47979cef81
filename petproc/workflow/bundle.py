"""Scans for readers who are to know neither whose they are nor which visit: images under random codes.

A bundle holds PET, CT and labels as NIfTI, the names of the label values, and a table for verdicts. Images are written
anew from their numbers and their grid alone, all files bear one date, and they are written in the order of their codes.
Which code is which scan is in the study, in a key that only its owner may read; it is opened by `readings` alone.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np

from petproc import layout
from petproc.audit.decisions import Code
from petproc.audit.edits import digest
from petproc.audit.ledger import Entry, Event, append, who
from petproc.core.errors import Refusal
from petproc.core.regions import LABEL_NAMES, REGIONS
from petproc.core.tables import ScanRow
from petproc.core.volume import Labels
from petproc.io import read_json, write_labels, write_rows, write_volume
from petproc.settings import Analysis
from petproc.workflow.handover.images import LabelName, read_ct, read_pet, read_segmentation
from petproc.workflow.plan import Plan

SIGNS = "BCDFGHJKMNPQRSTVWXZ23456789"
"""of codes: no vowels, so that no word comes of it, and nothing that looks like another sign"""
CODE_LENGTH, BUNDLE_LENGTH = 6, 10
FILES_DATE = 946_684_800
"""2000-01-01 00:00 UTC, the date of every file"""
CODES = "codes.tsv"
READ_ME = f"""PET in Bq/mL, CT in HU and labels of vessels, one folder per scan; regions.tsv names the label values.

Fill in codes.tsv, a row per scan and region:
  verdict  released (right, to be measured whatever the scores say), rejected (not to be measured), or empty: none
  reason   of a rejection: {", ".join(get_args(Code)[:-1])} or {get_args(Code)[-1]}
  why      in words, for every verdict
Leave bundle, code and region as they are, and give the table back when it is final.
"""


@dataclass(frozen=True)
class KeyRow:
    """Which scan a code stands for."""

    code: str
    participant: str
    session: str


@dataclass(frozen=True)
class ReadingRow:
    """What a reader who knows the code alone decides about a region, in `codes.tsv`."""

    bundle: str
    code: str
    region: str
    verdict: str | None
    reason: str | None
    why: str | None


def make_bundle(
    study: Path, out: Path, *, analysis: str = "primary", seed: int | None = None, by: str | None = None
) -> Entry:
    """Write every scan that `analysis` measures to the folder `out`, and the key to the study; the ledger's entry.

    The same `seed` gives the same codes: whoever knows it can tell the scans. Refused where `out` holds something
    (`bundle-folder-not-empty`), where nothing is made yet (`bundle-of-nothing`) and where that seed has been used.
    """
    plan = Plan.read(study)
    settings = plan.settings.analysis(analysis)
    scans = [row for row in plan.included if _is_made(study, plan, row, settings)]
    if not scans:
        raise Refusal("bundle-of-nothing", "No scan has images and labels yet.", "Make them with petproc run.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Refusal("bundle-folder-not-empty", f"{out.name} is there and not an empty folder.", "Name a new one.")
    bundle, codes = _codes(len(scans), seed)
    key = layout.path(layout.BUNDLE_KEY, study, bundle=bundle)
    if key.exists():
        raise Refusal(
            "bundle-seed-used", "A bundle of this study was made with this seed.", "Give another seed, or none."
        )
    coded = sorted(zip(codes, scans, strict=True), key=lambda pair: pair[0])
    rows: list[ReadingRow] = []
    for code, scan in coded:
        regions = _write_scan(study, plan, scan, settings, out / code)
        rows += [ReadingRow(bundle, code, region, None, None, None) for region in regions]
    write_rows(out / CODES, rows, ReadingRow)
    write_rows(out / "regions.tsv", [LabelName(*entry) for entry in LABEL_NAMES.items()], LabelName)
    (out / "README.txt").write_text(READ_ME, encoding="utf-8")
    _date(out)
    _write_key(key, [KeyRow(code, scan.participant, scan.session) for code, scan in coded])
    after = {"analysis": analysis, "codes": [code for code, _ in coded], "key": digest(key)}
    return append(study, Event("bundled", who(by), subject={"bundle": bundle}, after=after))


def _codes(count: int, seed: int | None) -> tuple[str, list[str]]:
    """The bundle's own code, and as many others, no two alike."""
    chance = random.SystemRandom() if seed is None else random.Random(seed)
    bundle = "".join(chance.choices(SIGNS, k=BUNDLE_LENGTH))
    codes: dict[str, None] = {}
    while len(codes) < count:
        codes["".join(chance.choices(SIGNS, k=CODE_LENGTH))] = None
    return bundle, list(codes)


def _files(study: Path, plan: Plan, scan: ScanRow, backend: str) -> SimpleNamespace:
    """Images and labels of a scan, by the masks that hold."""
    names = {"participant": scan.participant, "session": scan.session}
    templates = {
        "pet": layout.PET,
        "pet_sidecar": layout.PET_SIDECAR,
        "ct": layout.CT,
        "ct_sidecar": layout.CT_SIDECAR,
        "labels": layout.LABELS,
        "label_names": layout.LABEL_NAMES,
        "segmentation": layout.SEGMENTATION,
        "centrelines": layout.CENTRELINES,
    }
    made = plan.made_by(scan.participant, scan.session, backend)
    return SimpleNamespace(
        **{name: layout.path(template, study, backend=made, **names) for name, template in templates.items()}
    )


def _is_made(study: Path, plan: Plan, scan: ScanRow, analysis: Analysis) -> bool:
    """Whether the scan has images and labels: a scan that was refused has none to be read."""
    for backend in analysis.backends:
        files = _files(study, plan, scan, backend)
        if not all(path.is_file() for path in vars(files).values()):
            return False
        records = (read_json(files.pet_sidecar)["petproc"], read_json(files.segmentation))
        if any(record["status"] != "ok" for record in records):
            return False
    return True


def _write_scan(study: Path, plan: Plan, scan: ScanRow, analysis: Analysis, folder: Path) -> list[str]:
    """Images and labels of a scan; the regions there that the analysis depends on."""
    made = {backend: _files(study, plan, scan, backend) for backend in analysis.backends}
    files = made[analysis.backend]
    labels = _merged({backend: read_segmentation(one).labels for backend, one in made.items()}, analysis)
    write_volume(folder / "pet.nii.gz", read_pet(files))
    write_volume(folder / "ct.nii.gz", read_ct(files))
    write_labels(folder / "labels.nii.gz", labels)
    there = set(np.unique(labels.data).tolist())
    return [name for name in analysis.quantify.depends_on if REGIONS[name].value in there]


def _merged(labels: dict[str, Labels], analysis: Analysis) -> Labels:
    """Every region by the backend that segments it in this analysis, the general one under the others."""
    general = labels[analysis.backend]
    data = np.where(general.mask(*analysis.elsewhere), 0, general.data).astype(np.uint8)
    for region, backend in analysis.elsewhere.items():
        data[labels[backend].mask(region)] = REGIONS[region].value
    return Labels(data, general.grid, LABEL_NAMES)


def _date(out: Path) -> None:
    """Files before their folders: setting a file's date leaves its folder's as it is."""
    for path in [*out.rglob("*"), out]:
        os.utime(path, (FILES_DATE, FILES_DATE))


def _write_key(path: Path, rows: Sequence[KeyRow]) -> None:
    """Readable by its owner alone from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    write_rows(path, rows, KeyRow)
