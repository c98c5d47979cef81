"""Vessels from TotalSegmentator's network (Wasserthal 2023, doi:10.1148/ryai.230024): an optional extra.

Its defaults have changed between versions and with them the masks, so the version is pinned and every default is
written out here. The aorta comes undivided and is split by our own rule; nothing but the classes asked for is kept.
Weights are never fetched by a job: they are there, and their hash is recorded, or the scan is refused. No usage
statistics are sent. The masks carry no scores: whether they are believed is set in the gate.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Refusal
from petproc.core.regions import AORTA, GUIDES, REGIONS, regions_of
from petproc.core.results import Segmentation
from petproc.core.volume import Volume
from petproc.segment.labelled import from_masks
from petproc.settings import TotalSegmentatorSettings

VERSION = "2.18.0"
CLASSES: dict[str, tuple[str, ...]] = {
    AORTA: ("aorta",),
    "superior_vena_cava": ("superior_vena_cava",),
    "inferior_vena_cava": ("inferior_vena_cava",),
    "left_common_carotid": ("common_carotid_artery_left",),
    "right_common_carotid": ("common_carotid_artery_right",),
    "brachiocephalic_trunk": ("brachiocephalic_trunk",),
    "left_subclavian": ("subclavian_artery_left",),
    "right_subclavian": ("subclavian_artery_right",),
    "left_iliac": ("iliac_artery_left",),
    "right_iliac": ("iliac_artery_right",),
    "liver": ("liver",),
    "spleen": ("spleen",),
    "vertebral_marrow": ("vertebrae_L3", "vertebrae_L4"),
}
"""Classes of its `total` task by our names. Marrow: L3 and L4, as in PESA (methods vary); its cortex is left out by
depth when it is measured."""
GUIDING = (AORTA, "brachiocephalic_trunk", "left_subclavian")
"""Where the aorta is asked for, the branches that show where its arch begins and ends."""
MODELS = {True: (297,), False: (291, 292, 293, 294, 295, 297)}
"""Networks by `fast`: that of 3 mm; the five of 1.5 mm, which the program wants all of, and that of 3 mm by which it
crops."""
DEFAULTS: dict[str, Any] = {
    "ml": True,
    "nr_thr_resamp": 1,
    "nr_thr_saving": 1,
    "nora_tag": "None",
    "preview": False,
    "task": "total",
    "roi_subset": None,
    "statistics": False,
    "radiomics": False,
    "crop_path": None,
    "body_seg": False,
    "force_split": False,
    "output_type": "nifti",
    "quiet": True,
    "verbose": False,
    "test": 0,
    "skip_saving": False,
    "license_number": None,
    "statistics_exclude_masks_at_border": True,
    "no_derived_masks": False,
    "v1_order": False,
    "fastest": False,
    "stats_aggregation": "mean",
    "remove_small_blobs": False,
    "statistics_normalized_intensities": False,
    "robust_crop": False,
    "higher_order_resampling_LEGACY": False,
    "higher_order_resampling": False,
    "save_probabilities": None,
    "debug": False,
    "report": None,
    "statistics_extra": False,
    "save_lowres": False,
    "resampling_order": 1,
    "plans": "nnUNetPlans",
    "model_size": "big",
}
"""Every option of the call but input, output, fast, device and the classes (`roi_subset_robust`)."""


def segment(ct: Volume, *, settings: TotalSegmentatorSettings, scan: str, threads: int = 1) -> Segmentation:
    """The regions of `settings` on the grid of `ct` (HU), by the network, with centrelines and stations of ours.

    Refused where the extra (`totalsegmentator-missing`), its pinned version (`totalsegmentator-version`) or its weights
    (`totalsegmentator-weights-missing`) are not there, and where it finds none of the vessels (`labels-empty`).
    """
    _require(scan)
    weights = _weights(settings, scan)
    names = _names(settings.regions)
    masks = _masks(_predicted(ct, settings, names, weights=weights, threads=threads), names)
    if not masks.any():
        raise Refusal(
            "labels-empty",
            "TotalSegmentator found none of the regions asked for on this CT.",
            "Look at the CT; exclude the scan with a reason, or give masks with the imported backend.",
            scan,
        )
    values = {name: GUIDES[name] if name in GUIDES else REGIONS[name].value for name in names}
    found = from_masks(ct, masks, names=values, backend="totalsegmentator")
    made_with = {
        "totalsegmentator": VERSION,
        "torch": importlib.metadata.version("torch"),
        "weights_sha256": _digest(weights, settings.fast),
        "options": {**DEFAULTS, "fast": settings.fast, "device": settings.device, "classes": sorted(_classes(names))},
    }
    return replace(found, made_with=made_with)


def _require(scan: str) -> None:
    if importlib.util.find_spec("totalsegmentator") is None:
        raise Refusal(
            "totalsegmentator-missing",
            "The totalsegmentator backend is asked for and the program is not installed.",
            "Install it beside petproc: pip install 'petproc[totalsegmentator]' (several GB), or take another backend.",
            scan,
        )
    found = importlib.metadata.version("TotalSegmentator")
    if found != VERSION:
        raise Refusal(
            "totalsegmentator-version",
            f"TotalSegmentator {found} is installed; its defaults change with its versions, and {VERSION} is pinned.",
            f"Install the pinned one: pip install TotalSegmentator=={VERSION}.",
            scan,
        )


def _weights(settings: TotalSegmentatorSettings, scan: str) -> Path:
    """The folder that holds every network that is needed."""
    from totalsegmentator.config import get_weights_dir
    from totalsegmentator.map_tasks_config import TASK_ID_WEIGHTS_CONFIGS

    folder = Path(get_weights_dir())
    places = {model: folder / TASK_ID_WEIGHTS_CONFIGS[model]["foldername"] for model in MODELS[settings.fast]}
    lacking = [model for model, place in places.items() if not place.is_dir()]
    if lacking:
        raise Refusal(
            "totalsegmentator-weights-missing",
            f"The weights of TotalSegmentator's networks {', '.join(map(str, lacking))} are not on this machine.",
            "Fetch them once where there is a network, by totalseg_download_weights -t total and -t total_fast, or set "
            "TOTALSEG_WEIGHTS_PATH to the folder that holds them.",
            scan,
        )
    return folder


def _names(regions: tuple[str, ...]) -> tuple[str, ...]:
    """What is asked of the network for `regions`: the undivided aorta, and its guiding branches, for its parts."""
    wanted = [AORTA if name in regions_of(AORTA) else name for name in regions]
    return tuple(dict.fromkeys([*wanted, *(GUIDING if AORTA in wanted else ())]))


def _classes(names: tuple[str, ...]) -> list[str]:
    return [class_name for name in names for class_name in CLASSES[name]]


def _predicted(
    ct: Volume, settings: TotalSegmentatorSettings, names: tuple[str, ...], *, weights: Path, threads: int
) -> NDArray[np.uint8]:
    """The network's label map on the grid of `ct`, with the class numbers of its `total` task."""
    import nibabel
    import torch
    from totalsegmentator.python_api import totalsegmentator

    torch.set_num_threads(max(1, threads))
    classes = _classes(names)
    with _home_of_its_own(weights):
        found = totalsegmentator(
            nibabel.Nifti1Image(np.asarray(ct.data, dtype=np.int16), ct.grid.affine),
            None,
            fast=settings.fast,
            device=settings.device,
            roi_subset_robust=None if settings.fast else classes,
            **DEFAULTS,
        )
    data = np.asarray(found.dataobj)
    if data.shape != ct.grid.shape or not np.allclose(found.affine, ct.grid.affine, atol=1e-3):
        raise ValueError(f"TotalSegmentator's labels of shape {data.shape} are not on the CT of {ct.grid.shape}")
    return data.astype(np.uint8)


def _masks(predicted: NDArray[np.uint8], names: tuple[str, ...]) -> NDArray[np.uint8]:
    """By the values of our regions and guides."""
    from totalsegmentator.map_to_binary import class_map

    number = {name: value for value, name in class_map["total"].items()}
    ours = np.zeros(256, dtype=np.uint8)
    for name in names:
        for class_name in CLASSES[name]:
            ours[number[class_name]] = GUIDES[name] if name in GUIDES else REGIONS[name].value
    return ours[predicted]


@contextmanager
def _home_of_its_own(weights: Path) -> Iterator[None]:
    """A settings folder that lives as long as the call: no statistics are sent, and jobs do not share a file."""
    kept = {name: os.environ.get(name) for name in ("TOTALSEG_HOME_DIR", "TOTALSEG_WEIGHTS_PATH")}
    with tempfile.TemporaryDirectory() as home:
        config = {"totalseg_id": "petproc", "send_usage_stats": False, "prediction_counter": 0}
        (Path(home) / "config.json").write_text(json.dumps({**config, "statistics_disclaimer_shown": True}))
        os.environ.update({"TOTALSEG_HOME_DIR": home, "TOTALSEG_WEIGHTS_PATH": str(weights)})
        try:
            yield
        finally:
            for name, value in kept.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _digest(weights: Path, fast: bool) -> str:
    """SHA-256 over every file of the networks used, in the order of their names."""
    from totalsegmentator.map_tasks_config import TASK_ID_WEIGHTS_CONFIGS

    digest = hashlib.sha256()
    for model in MODELS[fast]:
        folder = weights / TASK_ID_WEIGHTS_CONFIGS[model]["foldername"]
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(path.relative_to(weights).as_posix().encode())
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
