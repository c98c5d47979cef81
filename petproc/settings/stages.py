"""Settings of the stages that open images, and of the report."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from petproc.core.regions import AORTA, CAROTIDS, GUIDES, REGIONS, SVC, regions_of
from petproc.settings.section import Backend, Positive, Section, known


class InventorySettings(Section):
    prefer: tuple[str, ...] = ()


class IngestSettings(Section):
    tracer: str = "FDG"
    window_min: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _window_is_a_stretch_of_time(self) -> IngestSettings:
        if self.window_min and not self.window_min[0] < self.window_min[1]:
            raise ValueError("window_min runs from the earlier to the later minute after injection")
        return self


class ImportedSettings(Section):
    path: str = "masks/{participant}_{session}.nii.gz"
    names: dict[str, int | str] = {name: region.value for name, region in REGIONS.items()}

    @model_validator(mode="after")
    def _regions_areknown(self) -> ImportedSettings:
        known(self.names, REGIONS | GUIDES, "region")
        if AORTA in self.names and (parts := [name for name in regions_of(AORTA) if name in self.names]):
            raise ValueError(f"names has both the undivided {AORTA} and its parts {', '.join(parts)}: keep one")
        return self


class SeededSettings(Section):
    radius_max_mm: Annotated[float, Field(gt=1, le=20)] = 12.0


class TotalSegmentatorSettings(Section):
    regions: tuple[str, ...] = (*regions_of(AORTA), SVC, *CAROTIDS)
    fast: bool = False
    device: Literal["cpu", "gpu"] = "cpu"

    @model_validator(mode="after")
    def _regions_areknown(self) -> TotalSegmentatorSettings:
        known(self.regions, [name for name in REGIONS if not name.endswith("jugular")], "region")
        return self


class SegmentSettings(Section):
    backends: tuple[Backend, ...] = ("classical",)
    seeded: SeededSettings = SeededSettings()
    totalsegmentator: TotalSegmentatorSettings = TotalSegmentatorSettings()
    imported: ImportedSettings = ImportedSettings()


class AlignSettings(Section):
    apply: bool = False
    warn_mm: Positive = 3.0
    fail_mm: Positive = 6.0
    refuse: bool = False


class SampleSettings(Section):
    reach_mm: Annotated[float, Field(ge=2, le=30)] = 12.0


class ReportSettings(Section):
    title: str = "Vascular inflammation before and after treatment"
