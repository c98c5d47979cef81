"""Settings of quantify: what of a vessel is measured, against which blood, and which vessels are believed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from petproc.core.metrics import METRICS, STANDARD, Metric
from petproc.core.regions import AORTA, IVC, ORGANS, REGIONS, Slicing, regions_of
from petproc.core.suv import VARIANTS
from petproc.settings.section import Fraction, Positive, Section, known, only_vessels


def _known_variant(name: str) -> str:
    known([name], VARIANTS, "SUV variant")
    return name


SuvVariant = Annotated[str, AfterValidator(_known_variant)]


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
    def _regions_areknown(self) -> BackgroundSettings:
        pools = [*self.region_of.values(), *([self.region] if self.region else []), *self.second_regions]
        known([*self.region_of, *pools], REGIONS, "region")
        only_vessels(pools, "blood is measured in the lumen of a vessel")
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
    def _regions_areknown(self) -> QuantifySettings:
        known(self.regions, REGIONS, "region")
        known(self.slicing, REGIONS, "region")
        only_vessels(self.slicing, "only a vessel is cut into slices")
        known(self.further_metrics, METRICS, "metric")
        if strange := [name for name in self.organ_depth_min_mm if name not in ORGANS]:
            raise ValueError(f"organ_depth_min_mm: {', '.join(strange)} is no organ; organs are {', '.join(ORGANS)}")
        return self

    @property
    def pools(self) -> tuple[str, ...]:
        """The blood pools by which the target regions are divided, each once."""
        return tuple(dict.fromkeys(map(self.background.of, self.regions)))

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Target regions and blood pools, each once."""
        return tuple(dict.fromkeys((*self.regions, *self.pools)))

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
