"""A network with random weights in the place of the real ones: the real way through the program, meaningless labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

STAGES = 3


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random network for each that the fast mode needs."""
    pytest.importorskip("totalsegmentator", reason="TotalSegmentator is not installed; make test-totalsegmentator does")
    from petproc.segment.totalsegmentator import MODELS

    folder = tmp_path_factory.mktemp("weights")
    for model in MODELS[True]:
        _random_network(folder, model, spacing=3.0, trainer="nnUNetTrainer_4000epochs_NoMirroring")
    return folder


def _random_network(folder: Path, model: int, *, spacing: float, trainer: str) -> None:
    import torch
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
    from totalsegmentator.map_tasks_config import TASK_ID_WEIGHTS_CONFIGS
    from totalsegmentator.map_to_binary import class_map

    labels = {"background": 0, **{name: value for value, name in class_map["total"].items()}}
    name = TASK_ID_WEIGHTS_CONFIGS[model]["foldername"]
    place = folder / name / f"{trainer}__nnUNetPlans__3d_fullres"
    (place / "fold_0").mkdir(parents=True)
    dataset = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": 1, "file_ending": ".nii.gz"}
    (place / "dataset.json").write_text(json.dumps(dataset))
    plans = _plans(name, spacing)
    (place / "plans.json").write_text(json.dumps(plans))
    shape = plans["configurations"]["3d_fullres"]["architecture"]
    torch.manual_seed(0)
    network = get_network_from_plans(
        shape["network_class_name"],
        shape["arch_kwargs"],
        shape["_kw_requires_import"],
        1,
        len(labels),
        deep_supervision=False,
    )
    checkpoint = {
        "network_weights": network.state_dict(),
        "init_args": {"configuration": "3d_fullres", "fold": 0},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": None,
    }
    torch.save(checkpoint, place / "fold_0" / "checkpoint_final.pth")


def _plans(name: str, spacing: float) -> dict[str, Any]:
    """nnU-Net's description of a U-Net of three small stages that looks at patches of 32 voxels."""
    once = [1] * 3
    network = {
        "n_stages": STAGES,
        "features_per_stage": [4, 8, 8],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[3] * 3] * STAGES,
        "strides": [once, [2] * 3, [2] * 3],
        "n_conv_per_stage": [1] * STAGES,
        "n_conv_per_stage_decoder": [1] * (STAGES - 1),
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    resampling = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}
    configuration = {
        "data_identifier": "any",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": [32] * 3,
        "median_image_size_in_voxels": [64.0] * 3,
        "spacing": [spacing] * 3,
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        **{f"resampling_fn_{kind}": "resample_data_or_seg_to_shape" for kind in ("data", "seg", "probabilities")},
        "resampling_fn_data_kwargs": {**resampling, "order": 3},
        "resampling_fn_seg_kwargs": {**resampling, "is_seg": True},
        "resampling_fn_probabilities_kwargs": resampling,
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": network,
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
        "batch_dice": False,
    }
    intensities = {"max": 3000.0, "mean": 0.0, "median": 0.0, "min": -1024.0, "std": 300.0}
    return {
        "dataset_name": name,
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [spacing] * 3,
        "original_median_shape_after_transp": [64] * 3,
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"3d_fullres": configuration},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            "0": {**intensities, "percentile_00_5": -1000.0, "percentile_99_5": 1500.0}
        },
    }
