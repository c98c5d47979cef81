"""The CT of a real PET/CT (low dose, no contrast, 512 x 512 x 296), for which there is no truth: every region must be
accepted or say why not, and the overlays are there to be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.image import imsave
from scipy import ndimage

from petproc.core.regions import AORTA, REGIONS, SVC, regions_of
from petproc.core.results import Segmentation
from petproc.core.volume import Volume
from petproc.segment import classical
from vessels.judged import gate_of, verdict
from vessels.others import PETCT, dicom_ct
from vessels.part import Check, Options, Part, Table, missing

TITLE = "A real PET/CT"
EVERY = 10
WINDOW_HU = (-160.0, 240.0)
COLOURS = {
    "ascending_aorta": (1.0, 0.2, 0.2),
    "aortic_arch": (1.0, 0.8, 0.0),
    "descending_aorta": (0.0, 0.9, 0.9),
    "abdominal_aorta": (0.2, 1.0, 0.2),
    SVC: (1.0, 0.2, 1.0),
}
ENLARGED = 2


def run(options: Options) -> Part:
    if not (options.data / PETCT).is_file():
        return missing(TITLE, [PETCT])
    ct = dicom_ct(options.data / PETCT)
    segmentation = classical.segment(ct, scan="real", threads=options.jobs)
    gate = gate_of(segmentation)
    rows, checks = [], []
    for region in (*regions_of(AORTA), SVC):
        one = verdict(segmentation, region, gate=gate)
        words = one.reason or f"accepted over {one.accepted_mm:g} of {one.length_mm:g} mm"
        told = one.accepted or not one.absent or region in segmentation.absent
        rows.append((region, f"{_millilitres(segmentation, region):.1f}", words))
        checks.append(Check(f"{region}: accepted, or a stated reason", words, "stated", told))
    notes = (_pictures(ct, segmentation, options.pictures),)
    return Part(TITLE, (Table(("Region", "mL", "Verdict"), tuple(rows)),), tuple(checks), notes)


def _millilitres(segmentation: Segmentation, region: str) -> float:
    return float(segmentation.labels.mask(region).sum() * segmentation.labels.grid.voxel_ml)


def _pictures(ct: Volume, segmentation: Segmentation, folder: Path | None) -> str:
    """Every tenth slice as PNG, seen from the feet, outlines of the regions in colour."""
    if folder is None:
        return "No pictures: name a folder with --pictures."
    folder.mkdir(parents=True, exist_ok=True)
    low, high = WINDOW_HU
    for k in range(0, ct.grid.shape[2], EVERY):
        grey = np.clip((ct.data[:, :, k].astype(np.float32) - low) / (high - low), 0.0, 1.0)
        image = np.repeat(_enlarged(grey)[..., None], 3, axis=2)
        for region, colour in COLOURS.items():
            mask = _enlarged(segmentation.labels.data[:, :, k] == REGIONS[region].value)
            image[mask & ~ndimage.binary_erosion(mask)] = colour
        imsave(folder / f"real_{k:03d}.png", image.transpose(1, 0, 2))
    return f"Overlays of every tenth slice are in {folder}."


def _enlarged(plane: np.ndarray) -> np.ndarray:
    return np.kron(plane, np.ones((ENLARGED, ENLARGED), dtype=plane.dtype))
