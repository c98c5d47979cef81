"""Where everything of a study is: every path template, once, relative to the study's folder.

Templates use `{participant}`, `{session}`, `{backend}`, `{analysis}` and `{multiverse}`; `path(TEMPLATE, ...)` fills
them in.
"""

from __future__ import annotations

from pathlib import Path

CONFIG = "config/config.yaml"
SCANS = "config/scans.tsv"
EXCLUDED_SERIES = "config/series.tsv"
INDEX = "config/index/{series}.tsv"
WORKSHEET = "config/worksheet.tsv"
POINTS = "config/points.tsv"
FINDINGS = "config/findings.tsv"
PARTICIPANTS_KEY = "config/participants.key.tsv"
DECISIONS = "decisions"
LEDGER = "decisions/ledger.jsonl"
HISTORY = "decisions/history/{digest}.gz"
BUNDLE_KEY = "decisions/bundles/{bundle}.key.tsv"
BUNDLE_READINGS = "decisions/bundles/{bundle}_{digest}.tsv"

_SCAN = "sub-{participant}_ses-{session}"
_RAW = "results/raw/sub-{participant}/ses-{session}"
_SCAN_DIR = "results/scans/sub-{participant}/ses-{session}"
_BACKEND = f"{_SCAN_DIR}/{_SCAN}_seg-{{backend}}"
_ANALYSIS = "results/analyses/{analysis}"

EDITED_MASK = f"decisions/edits/{_SCAN}_seg-{{backend}}_desc-edited{{number}}_dseg.nii.gz"
MASK_BEFORE = f"decisions/edits/{_SCAN}_seg-{{backend}}_desc-before{{number}}_dseg.nii.gz"

PET = f"{_RAW}/pet/{_SCAN}_pet.nii.gz"
PET_SIDECAR = f"{_RAW}/pet/{_SCAN}_pet.json"
CT = f"{_RAW}/ct/{_SCAN}_ct.nii.gz"
CT_SIDECAR = f"{_RAW}/ct/{_SCAN}_ct.json"

DATASET = "results/raw/dataset_description.json"
README = "results/raw/README"
PARTICIPANTS = "results/raw/participants.tsv"
PARTICIPANTS_SIDECAR = "results/raw/participants.json"
BIDS_IGNORED = "results/raw/.bidsignore"
DERIVED_DATASET = "results/scans/dataset_description.json"

LABELS = f"{_BACKEND}_dseg.nii.gz"
LABEL_NAMES = f"{_BACKEND}_dseg.tsv"
SEGMENTATION = f"{_BACKEND}_dseg.json"
CENTRELINES = f"{_BACKEND}_centrelines.tsv"
ALIGNMENT = f"{_SCAN_DIR}/{_SCAN}_align.json"
VOXELS = f"{_BACKEND}_voxels.parquet"
STATIONS = f"{_BACKEND}_stations.parquet"
SAMPLE = f"{_BACKEND}_sample.json"
OVERLAYS = f"{_BACKEND}_overlays.json"

SLICES = f"{_ANALYSIS}/slices.tsv"
UPTAKE = f"{_ANALYSIS}/uptake.tsv"
VESSELS = f"{_ANALYSIS}/vessels.tsv"
INPUTS = f"{_ANALYSIS}/inputs.tsv"
QUANTIFY = f"{_ANALYSIS}/quantify.json"
CHANGE = f"{_ANALYSIS}/change.tsv"
COMPARE = f"{_ANALYSIS}/compare.json"
FRAGILITY = f"{_ANALYSIS}/fragility.tsv"
FRAGILITY_SIDECAR = f"{_ANALYSIS}/fragility.json"
REPORT = f"{_ANALYSIS}/report.html"
_MULTIVERSE = "results/multiverse/{multiverse}"
SPECIFICATIONS = f"{_MULTIVERSE}/specifications.tsv"
CHANGES = f"{_MULTIVERSE}/changes.tsv"
CURVE = f"{_MULTIVERSE}/curve.png"
MULTIVERSE = f"{_MULTIVERSE}/multiverse.json"
MULTIVERSE_PAGE = f"{_MULTIVERSE}/multiverse.html"
COMPLETE = "results/complete.tsv"
LOG = "results/logs/{stage}/{name}.log"


def scan_name(participant: str, session: str) -> str:
    """`sub-01_ses-baseline`: how a scan is called in files, tables and messages."""
    return f"sub-{participant}_ses-{session}"


def edited(backend: str) -> str:
    """What stands for `backend` in the names of what is made from its masks as a person changed them."""
    return f"{backend}_desc-edited"


def path(template: str, study: Path = Path(), **names: str) -> Path:
    return study / template.format(**names)
