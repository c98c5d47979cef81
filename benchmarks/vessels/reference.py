"""CTs whose vessels others have segmented (TotalSegmentator's test data), none of them of a PET/CT.

* abdominal CT without contrast: Dice of the abdominal aorta at accepted stations. The reference is another program's
  fast model at 3 mm, not a reader's;
* dissected, aneurysmal aorta in the arterial phase: nothing of it may be accepted;
* 20 slices of a chest: too little to be a vessel, refused;
* the split of that dissected aorta's own mask into its parts, against the volumes of the report that came with it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from petproc.core.errors import Refusal
from petproc.core.regions import AORTA, SVC, regions_of
from petproc.core.volume import Labels, Volume
from petproc.segment import classical, imported
from vessels.judged import gate_of, verdict
from vessels.others import REFERENCE, nameless_dicom_ct, nifti_ct, nifti_values
from vessels.part import Check, Options, Part, Table, at_least, missing

TITLE = "CTs with masks of others"
ABDOMINAL_DICE = 0.92
VOLUME_WITHIN = 0.10
AORTA_VALUE = 52
MASKS = {
    "vertebrae_T12": "vertebra_t12",
    "aorta": AORTA,
    "brachiocephalic_trunk": "brachiocephalic_trunk",
    "subclavian_artery_left": "left_subclavian",
}
"""Files of the report's models and what they are called here; later ones paint over earlier ones."""
REPORTED = {
    "ascending_aorta": "aorta_ascending",
    "aortic_arch": "aorta_arch",
    "descending_aorta": "aorta_descending",
}
Row = tuple[str, str, str]


def run(options: Options) -> Part:
    folder = options.data / REFERENCE
    if not folder.is_dir():
        return missing(TITLE, [REFERENCE])
    models = folder / "aorta_report" / "test_result" / "models"
    dissected = nifti_ct(models / "ct_cropped.nii.gz")
    found = [
        _abdomen(folder),
        _not_accepted("dissected aorta, arterial phase", dissected),
        _not_accepted("20 slices of a chest", nameless_dicom_ct(folder / "example_ct_dicom")),
        _split(folder / "aorta_report", models, dissected),
    ]
    rows = tuple(row for part, _ in found for row in part)
    return Part(TITLE, (Table(("CT", "What", "Found"), rows),), tuple(check for _, part in found for check in part))


def _abdomen(folder: Path) -> tuple[list[Row], list[Check]]:
    ct = nifti_ct(folder / "example_ct.nii.gz")
    truth = nifti_values(folder / "example_seg_fast_force_split.nii.gz") == AORTA_VALUE
    segmentation = classical.segment(ct, scan="example")
    gate = gate_of(segmentation)
    one = verdict(segmentation, "abdominal_aorta", gate=gate, truth=truth)
    words = f"Dice {_number(one.measured)} at accepted stations, {one.accepted_mm:g} of {one.length_mm:g} mm; " + (
        f"{_number(one.whole)} of the whole" + (f"; {one.reason}" if one.reason else "")
    )
    check = at_least("abdominal aorta without contrast, Dice at accepted stations", one.measured, ABDOMINAL_DICE)
    return [("abdomen without contrast", "abdominal aorta", words)], [check]


def _not_accepted(name: str, ct: Volume) -> tuple[list[Row], list[Check]]:
    what = f"{name}: regions accepted"
    try:
        segmentation = classical.segment(ct, scan="other")
    except Refusal as refusal:
        return [(name, "refused", f"{refusal.code}: {refusal.reason}")], [Check(what, "refused", "none", True)]
    gate = gate_of(segmentation)
    verdicts = [verdict(segmentation, region, gate=gate) for region in (*regions_of(AORTA), SVC)]
    accepted = [one.region for one in verdicts if one.accepted]
    rows = [(name, one.region, one.reason or f"accepted over {one.accepted_mm:g} mm") for one in verdicts]
    return rows, [Check(what, ", ".join(accepted) or "none", "none", not accepted)]


def _split(report: Path, models: Path, ct: Volume) -> tuple[list[Row], list[Check]]:
    values = {name: value for value, name in enumerate(MASKS.values(), start=1)}
    data = np.zeros(ct.grid.shape, dtype=np.uint8)
    for file, name in MASKS.items():
        data[nifti_values(models / f"{file}.nii.gz") > 0] = values[name]
    segmentation = imported.segment(ct, Labels(data, ct.grid, {}), names=values, scan="report")
    reported = json.loads((report / "example_ct_report" / "aorta_report.json").read_text())["section_stats"]
    rows, checks = [], []
    for region, key in REPORTED.items():
        wanted = float(reported[key]["volume"])
        volume = float(segmentation.labels.mask(region).sum() * ct.grid.voxel_ml)
        rows.append(("split of the dissected aorta's mask", region, f"{volume:.1f} mL, reported {wanted:.1f} mL"))
        off = volume / wanted - 1.0
        checks.append(
            Check(f"volume of {region} by our split", f"{off:+.1%}", "within 10 %", abs(off) <= VOLUME_WITHIN)
        )
    return rows, checks


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
