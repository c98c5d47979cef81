"""Settings of an analysis: a named question, how its visits are compared, and the grids that combine several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from petproc.core.combine import combinations, with_values
from petproc.core.metrics import METRICS
from petproc.core.regions import REGIONS
from petproc.settings.quantify import QuantifySettings
from petproc.settings.section import Backend, Section, known, only_vessels, plain


class CompareSettings(Section):
    index_candidates: tuple[str, ...] = ("ascending_aorta", "descending_aorta")
    index_metric: str = "mean_tbr_max"
    mds: Literal["refound", "locked"] = "refound"

    @model_validator(mode="after")
    def _names_areknown(self) -> CompareSettings:
        known(self.index_candidates, REGIONS, "region")
        only_vessels(self.index_candidates, "the index vessel is chosen among vessels")
        known([self.index_metric], METRICS, "metric")
        return self


class FragilitySettings(Section):
    boundary_mm: Annotated[float, Field(gt=0, le=5)] = 1.0


class Analysis(Section):
    """A named question: which segmentation, quantified how, compared how.

    `backend` segments every region but those that `backend_of` names another for. What an analysis does not say it
    takes from the one that it `extends`, else from the defaults. `exploratory` marks a question that was asked after
    unblinding.
    """

    extends: str | None = None
    about: str = ""
    exploratory: bool = False
    backend: Backend = "classical"
    backend_of: dict[str, Backend] = {}
    quantify: QuantifySettings = QuantifySettings()
    compare: CompareSettings = CompareSettings()
    fragility: FragilitySettings = FragilitySettings()

    @model_validator(mode="after")
    def _regions_areknown(self) -> Analysis:
        known(self.backend_of, REGIONS, "region")
        return self

    @model_validator(mode="after")
    def _index_metric_is_measured(self) -> Analysis:
        if (name := self.compare.index_metric) not in self.quantify.metrics:
            raise ValueError(f"index_metric {name} is not measured: name it in quantify.further_metrics")
        return self

    @property
    def declared(self) -> str:
        """In words that it is exploratory, where its settings say so; else empty."""
        return "asked after unblinding" if self.exploratory else ""

    def backend_for(self, region: str) -> Backend:
        """The backend that segments `region`."""
        return self.backend_of.get(region, self.backend)

    @property
    def elsewhere(self) -> dict[str, Backend]:
        """The regions that another backend than the general one segments, and which."""
        return {region: backend for region, backend in self.backend_of.items() if backend != self.backend}

    @property
    def backends(self) -> tuple[Backend, ...]:
        """Every backend that the analysis takes a region from, the general one first."""
        return tuple(dict.fromkeys((self.backend, *sorted(self.backend_of.values()))))


def combined(base: Analysis, vary: Mapping[str, Sequence[Any]]) -> list[tuple[dict[str, Any], Analysis]]:
    """Every combination of the values in `vary`, by dotted path, and `base` with it."""
    settings = plain(base) | {"extends": None}
    return [(values, Analysis.model_validate(with_values(settings, values))) for values in combinations(vary)]


COMBINATIONS_MAX = 2000
"""Of one multiverse: about ten minutes of 120 scans, and more than anybody can look at."""


class MultiverseSettings(Section):
    """A grid of analyses: the one that it `extends` with every combination of the values in `vary`, by dotted path."""

    extends: str = "primary"
    about: str = ""
    vary: Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_a_grid(self) -> MultiverseSettings:
        for path, values in self.vary.items():
            if path.split(".")[0] not in ("backend", "backend_of", "quantify", "compare"):
                raise ValueError(f"vary: {path} is no setting of an analysis that may vary, as quantify.active_tbr is")
            if any(value in values[:place] for place, value in enumerate(values)):
                raise ValueError(f"vary: {path} has a value twice")
        if (count := len(combinations(self.vary))) > COMBINATIONS_MAX:
            raise ValueError(f"vary makes {count} combinations, more than {COMBINATIONS_MAX}")
        return self
