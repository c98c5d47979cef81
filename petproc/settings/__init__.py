"""Settings: one model per stage, as in `config/config.yaml`, which explains every one of them.

Light to import. Every model refuses unknown keys, so that a misspelt setting is an error and not a default.
"""

from petproc.settings.analysis import Analysis, CompareSettings, FragilitySettings, MultiverseSettings, combined
from petproc.settings.quantify import DEPTH_QUANTILE_OPPOSITE, BackgroundSettings, GateSettings, QuantifySettings
from petproc.settings.section import Section, plain
from petproc.settings.stages import (
    AlignSettings,
    ImportedSettings,
    IngestSettings,
    InventorySettings,
    ReportSettings,
    SampleSettings,
    SeededSettings,
    SegmentSettings,
    TotalSegmentatorSettings,
)
from petproc.settings.study import Settings

__all__ = [
    "DEPTH_QUANTILE_OPPOSITE",
    "RESULTS_VERSION",
    "AlignSettings",
    "Analysis",
    "BackgroundSettings",
    "CompareSettings",
    "FragilitySettings",
    "GateSettings",
    "ImportedSettings",
    "IngestSettings",
    "InventorySettings",
    "MultiverseSettings",
    "QuantifySettings",
    "ReportSettings",
    "SampleSettings",
    "Section",
    "SeededSettings",
    "SegmentSettings",
    "Settings",
    "TotalSegmentatorSettings",
    "combined",
    "plain",
]

RESULTS_VERSION: dict[str, int] = {
    "ingest": 2,
    "segment": 2,
    "align": 2,
    "sample": 3,
    "quantify": 3,
    "compare": 3,
    "fragility": 1,
    "report": 4,
}
"""Raised whenever a stage's numbers change, so that the workflow makes them anew; noted first in CHANGELOG.md."""
