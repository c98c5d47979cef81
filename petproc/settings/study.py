"""All settings of a study, from its config file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, model_validator

from petproc.core.combine import combinations, in_words, with_values
from petproc.core.errors import Refusal
from petproc.core.inherit import inherited
from petproc.settings.analysis import Analysis, MultiverseSettings
from petproc.settings.section import Section, plain
from petproc.settings.stages import (
    AlignSettings,
    IngestSettings,
    InventorySettings,
    ReportSettings,
    SampleSettings,
    SegmentSettings,
)

NAME = r"^[a-z][a-z0-9_]*$"
"""Of an analysis or a multiverse: it becomes a folder."""


class Settings(Section):
    inventory: InventorySettings = InventorySettings()
    ingest: IngestSettings = IngestSettings()
    segment: SegmentSettings = SegmentSettings()
    align: AlignSettings = AlignSettings()
    sample: SampleSettings = SampleSettings()
    analyses: dict[Annotated[str, Field(pattern=NAME)], Analysis] = {"primary": Analysis()}
    multiverse: dict[Annotated[str, Field(pattern=NAME)], MultiverseSettings] = {}
    report: ReportSettings = ReportSettings()

    @model_validator(mode="before")
    @classmethod
    def _analyses_inherit(cls, config: Any) -> Any:
        analyses = config.get("analyses") if isinstance(config, dict) else None
        return {**config, "analyses": inherited(analyses)} if isinstance(analyses, dict) else config

    @model_validator(mode="after")
    def _depths_are_sampled(self) -> Settings:
        for name, analysis in self.analyses.items():
            if (outer := analysis.quantify.depth_mm[0]) < -self.sample.reach_mm:
                raise ValueError(
                    f"analysis {name}: depth_mm begins {-outer:g} mm outside the wall, and voxels are kept up to "
                    f"sample.reach_mm, {self.sample.reach_mm:g} mm"
                )
        return self

    @model_validator(mode="after")
    def _backends_are_run(self) -> Settings:
        for name, analysis in self.analyses.items():
            for backend in analysis.backends:
                if backend not in self.segment.backends:
                    raise ValueError(f"analysis {name} uses backend {backend}, which segment.backends lacks")
        return self

    @model_validator(mode="after")
    def _combinations_are_analyses(self) -> Settings:
        for name, grid in self.multiverse.items():
            if grid.extends not in self.analyses:
                known = ", ".join(self.analyses)
                raise ValueError(f"multiverse {name} extends {grid.extends}, which is not there; there are {known}")
            base = plain(self.analyses[grid.extends]) | {"extends": None}
            for values in combinations(grid.vary):
                try:
                    self._alone(with_values(base, values))
                except ValidationError as error:
                    raise ValueError(f"multiverse {name} with {in_words(values)}: {_wrong(error)}") from None
        return self

    def _alone(self, analysis: dict[str, Any]) -> Settings:
        """One analysis checked against the settings of the stages before it."""
        stages = {"segment": self.segment, "sample": self.sample}
        return type(self).model_validate({**stages, "analyses": {"combined": analysis}})

    def analysis(self, name: str) -> Analysis:
        """The analysis called `name`; refused where there is none."""
        if name not in self.analyses:
            known = ", ".join(self.analyses)
            raise Refusal("analysis-unknown", f"The study has no analysis {name!r}.", f"It has: {known}.")
        return self.analyses[name]

    @classmethod
    def of(cls, config: dict[str, Any]) -> Settings:
        """Checked settings from a parsed config file; a `Refusal` names every wrong key in words."""
        try:
            return cls.model_validate(config)
        except ValidationError as error:
            raise Refusal(
                "config-invalid", f"config/config.yaml: {_wrong(error)}.", "config/README.md lists every key."
            ) from None

    @classmethod
    def read(cls, path: Path) -> Settings:
        try:
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            where = getattr(error, "problem_mark", None)
            place = f" (line {where.line + 1})" if where else ""
            raise Refusal(
                "config-invalid",
                f"config/config.yaml is not readable YAML{place}.",
                "Indent with spaces; save as UTF-8.",
            ) from None
        return cls.of(config or {})


def _wrong(error: ValidationError) -> str:
    """Every wrong key in words."""
    return "; ".join(f"{'.'.join(map(str, entry['loc'])) or 'config'}: {entry['msg']}" for entry in error.errors())
