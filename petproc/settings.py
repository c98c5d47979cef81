"""Settings: one model per stage, as in `config/config.yaml`, which explains every one of them.

Light to import. Every model refuses unknown keys, so that a misspelt setting is an error and not a default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from petproc.core.combine import combinations, in_words, with_values
from petproc.core.errors import Refusal
from petproc.core.inherit import inherited
from petproc.core.metrics import METRICS, STANDARD, Metric
from petproc.core.regions import AORTA, CAROTIDS, GUIDES, IVC, ORGANS, REGIONS, SVC, Slicing, regions_of
from petproc.core.suv import VARIANTS

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

Backend = Literal["classical", "seeded", "totalsegmentator", "imported"]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def _known(names: Any, registry: Any, kind: str) -> None:
    if unknown := [name for name in names if name not in registry]:
        raise ValueError(f"unknown {kind} {', '.join(unknown)}; known are {', '.join(registry)}")


def _known_variant(name: str) -> str:
    _known([name], VARIANTS, "SUV variant")
    return name


def _vessels(names: Any, why: str) -> None:
    if organs := [name for name in names if name in ORGANS]:
        raise ValueError(f"{', '.join(organs)}: an organ, not a vessel; {why}")


SuvVariant = Annotated[str, AfterValidator(_known_variant)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


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
    def _regions_are_known(self) -> ImportedSettings:
        _known(self.names, REGIONS | GUIDES, "region")
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
    def _regions_are_known(self) -> TotalSegmentatorSettings:
        _known(self.regions, [name for name in REGIONS if not name.endswith("jugular")], "region")
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


class GateSettings(Section):
    visible_fraction_min: Fraction = 0.5
    ring_score_min: float = 0.22
    low_run_mm: Positive = 20.0
    region_ring_score_min: dict[str, float] = {
        "ascending_aorta": 0.40,
        "descending_aorta": 0.45,
        "abdominal_aorta": 0.45,
        "superior_vena_cava": 0.40,
        "inferior_vena_cava": 0.45,
    }
    lean_ring_score_min: dict[str, float] = {"ascending_aorta": 0.55, "aortic_arch": 0.55}
    lean_surroundings_hu: float = -75.0
    radius_mm: dict[str, tuple[float, float]] = {
        "ascending_aorta": (10.5, 22.0),
        "aortic_arch": (8.5, 20.0),
        "descending_aorta": (7.5, 18.0),
        "abdominal_aorta": (5.5, 14.0),
        "superior_vena_cava": (5.0, 13.0),
        "inferior_vena_cava": (5.0, 16.0),
        "left_common_carotid": (2.5, 6.0),
        "right_common_carotid": (2.5, 6.0),
        "left_internal_jugular": (2.5, 12.0),
        "right_internal_jugular": (2.5, 12.0),
        "brachiocephalic_trunk": (4.0, 10.0),
        "left_subclavian": (2.5, 8.0),
        "right_subclavian": (2.5, 8.0),
        "left_iliac": (3.0, 9.0),
        "right_iliac": (3.0, 9.0),
    }
    seeded_edge_min: Fraction = 0.8
    low_fraction_max: Fraction = 0.25
    accepted_fraction_min: Fraction = 0.5
    arch_path_cost_max: Positive = 3.0
    arch_length_mm: tuple[float, float] = (70.0, 230.0)
    arch_apex_above_carina_mm: tuple[float, float] = (12.0, 70.0)
    accept_unscored: bool = True


class BackgroundSettings(Section):
    region: str | None = None
    region_of: dict[str, str] = {}
    volume_ml: Positive = 1.5
    depth_min_mm: Positive = 3.0
    depth_preferred_mm: Positive = 4.0
    radius_min_mm: Positive = 6.0
    vessel_distance_min_mm: Annotated[float, Field(ge=0)] = 6.0
    myocardium_distance_min_mm: Annotated[float, Field(ge=0)] = 6.0
    lung_distance_min_mm: Annotated[float, Field(ge=0)] = 3.0
    artery_depth_min_mm: Positive = 8.0
    second_regions: tuple[str, ...] = (IVC, "descending_aorta", "ascending_aorta")

    @model_validator(mode="after")
    def _regions_are_known(self) -> BackgroundSettings:
        pools = [*self.region_of.values(), *([self.region] if self.region else []), *self.second_regions]
        _known([*self.region_of, *pools], REGIONS, "region")
        _vessels(pools, "blood is measured in the lumen of a vessel")
        return self

    def of(self, target: str) -> str:
        """The region whose blood pool `target` is divided by."""
        return self.region_of.get(target) or self.region or REGIONS[target].background


ORGAN_DEPTH_MM = {"liver": 10.0, "spleen": 8.0, "vertebral_marrow": 5.0}
"""Ours: the core of an organ, free of its breathing edge (liver), as deep as its size allows (spleen, a vertebra)."""


DEPTH_QUANTILE_OPPOSITE = {"p10": "p90", "p25": "p75", "p50": "p50", "p75": "p25", "p90": "p10"}


class QuantifySettings(Section):
    regions: tuple[str, ...] = regions_of(AORTA)
    suv: SuvVariant = "bw"
    glucose_reference_mmol_l: Positive | None = None
    further_metrics: tuple[str, ...] = ()
    depth_mm: tuple[float, float | None] = (0.0, None)
    coverage: Literal["p10", "p25", "p50", "p75", "p90"] = "p50"
    slicing: dict[str, Literal["axial", "centreline"]] = {}
    slab_mm: Positive = 5.0
    slice_accepted_min: Fraction = 0.9
    slice_area_min: Fraction = 0.5
    slices_min: Annotated[int, Field(ge=1)] = 3
    myocardium_distance_min_mm: Annotated[float, Field(ge=0)] = 12.0
    active_tbr: Positive = 2.0
    segment_mm: Positive = 15.0
    positive_tbr: Positive = 1.25
    above_blood_sd: Annotated[float, Field(ge=0)] = 2.0
    organ_depth_min_mm: dict[str, Annotated[float, Field(ge=0)]] = ORGAN_DEPTH_MM
    background: BackgroundSettings = BackgroundSettings()
    gate: GateSettings = GateSettings()

    @model_validator(mode="before")
    @classmethod
    def _old_name_of_the_depth(cls, given: Any) -> Any:
        if isinstance(given, dict) and "inner_depth_mm" in given:
            raise ValueError(f"inner_depth_mm is depth_mm now: write depth_mm: [{given['inner_depth_mm']}, null]")
        return given

    @model_validator(mode="after")
    def _depth_is_a_layer(self) -> QuantifySettings:
        outer, inner = self.depth_mm
        if inner is not None and not outer < inner:
            raise ValueError(f"depth_mm runs from the outer to the deeper limit, not from {outer:g} to {inner:g}")
        return self

    @model_validator(mode="after")
    def _regions_are_known(self) -> QuantifySettings:
        _known(self.regions, REGIONS, "region")
        _known(self.slicing, REGIONS, "region")
        _vessels(self.slicing, "only a vessel is cut into slices")
        _known(self.further_metrics, METRICS, "metric")
        if strange := [name for name in self.organ_depth_min_mm if name not in ORGANS]:
            raise ValueError(f"organ_depth_min_mm: {', '.join(strange)} is no organ; organs are {', '.join(ORGANS)}")
        return self

    @property
    def metrics(self) -> dict[str, Metric]:
        """What is measured of a vessel, in the order of the registry."""
        return {name: one for name, one in METRICS.items() if name in STANDARD or name in self.further_metrics}

    def measures(self, needed: str) -> bool:
        """Whether one of its metrics needs `needed`, a field of `SliceValues`."""
        return any(one.needs == needed for one in self.metrics.values())

    @property
    def is_suv_bw(self) -> bool:
        """Whether SUV is the plain one by body weight, for which limits are known."""
        return self.suv == "bw" and self.glucose_reference_mmol_l is None

    def slicing_of(self, region: str) -> Slicing:
        """How `region` is cut into slices: as it is said, or as the registry has it."""
        return self.slicing.get(region, REGIONS[region].slicing)

    @property
    def opposite_coverage(self) -> str:
        """The depth quantile by which as much of a voxel lies above the deeper limit as `coverage` asks below the
        outer one."""
        return DEPTH_QUANTILE_OPPOSITE[self.coverage]

    def depth_in(self, organ: str) -> float:
        """How deep under the surface of `organ` a voxel must lie to be measured."""
        return self.organ_depth_min_mm.get(organ, ORGAN_DEPTH_MM[organ])


class CompareSettings(Section):
    index_candidates: tuple[str, ...] = ("ascending_aorta", "descending_aorta")
    index_metric: str = "mean_tbr_max"
    mds: Literal["refound", "locked"] = "refound"

    @model_validator(mode="after")
    def _names_are_known(self) -> CompareSettings:
        _known(self.index_candidates, REGIONS, "region")
        _vessels(self.index_candidates, "the index vessel is chosen among vessels")
        _known([self.index_metric], METRICS, "metric")
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
    def _regions_are_known(self) -> Analysis:
        _known(self.backend_of, REGIONS, "region")
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


class ReportSettings(Section):
    title: str = "Vascular inflammation before and after treatment"


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
        return type(self)(segment=self.segment, sample=self.sample, analyses={"combined": analysis})  # type: ignore[dict-item]

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


def plain(section: Section) -> dict[str, Any]:
    """A section as plain JSON types: what Snakemake can compare between runs."""
    return section.model_dump(mode="json")
