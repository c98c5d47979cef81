"""The plan that every rule reads. Params are plain values and only those a rule uses, so that an edit re-runs no more
than it must; RESULTS_VERSION stands in for the library's code, which Snakemake does not watch."""

import sys

from petproc import layout
from petproc.core.errors import Refusal
from petproc.settings import RESULTS_VERSION
from petproc.workflow.plan import Plan, present, values_of

try:
    PLAN = Plan.of(config)
except Refusal as refusal:
    sys.exit(f"Nothing was run. {refusal}")


wildcard_constraints:
    participant=PLAN.constraint("participant"),
    session=PLAN.constraint("session"),
    backend="|".join(name for made in PLAN.settings.segment.backends for name in (made, layout.edited(made))),
    analysis="|".join(PLAN.settings.analyses),
    multiverse="|".join(PLAN.settings.multiverse) or "none",


def log_of(stage, *wildcards):
    """The log of a job of `stage`, one per combination of `wildcards`."""
    return layout.LOG.format(stage=stage, name="_".join(f"{{{wildcard}}}" for wildcard in wildcards))


def index_of(image):
    """Index of the PET's or CT's files, none where inventory never saw the series that the scan's row names."""
    return lambda wildcards: present(
        layout.INDEX.format(series=getattr(PLAN.scan(wildcards.participant, wildcards.session), image))
    )


def series_of(wildcards):
    scan = PLAN.scan(wildcards.participant, wildcards.session)
    return {"pet": scan.pet, "ct": scan.ct}


def mask_of(wildcards):
    return PLAN.mask(wildcards.participant, wildcards.session)


def points_of(wildcards):
    return PLAN.points_of(wildcards.participant, wildcards.session)


def bifurcations_of(wildcards):
    return [row for row in points_of(wildcards) if row.get("place") == "bifurcation"]


def edited_by(wildcards):
    return PLAN.edited(wildcards.participant, wildcards.session, wildcards.backend)


def edited_bifurcations_of(wildcards):
    return PLAN.bifurcations_of(wildcards.participant, wildcards.session, wildcards.backend)


def segmented_by(backend):
    """What every backend writes."""
    templates = {
        "labels": layout.LABELS,
        "label_names": layout.LABEL_NAMES,
        "segmentation": layout.SEGMENTATION,
        "centrelines": layout.CENTRELINES,
    }
    return {name: template.replace("{backend}", backend) for name, template in templates.items()}


def analysis_of(wildcards):
    return PLAN.settings.analyses[wildcards.analysis]


def of_all_scans(template):
    """The file of every included scan, made with each backend of the analysis."""
    return lambda wildcards: PLAN.per_backend(template, wildcards.analysis)


def segmented_and_quantified(wildcards):
    """What quantify depends on of an analysis: neither on how its visits are compared nor on what it is about."""
    analysis = values_of(analysis_of(wildcards))
    return {name: analysis[name] for name in ("backend", "backend_of", "quantify")}


def quantified_and_moved(wildcards):
    """What fragility depends on of an analysis, beside its tables."""
    return {**segmented_and_quantified(wildcards), "fragility": values_of(analysis_of(wildcards).fragility)}


def of_combinations(template):
    """The file of every included scan, made with each backend of the multiverse."""
    return lambda wildcards: PLAN.per_combination(template, wildcards.multiverse)


def grid_of(name):
    """What varies, and what is measured by the analysis that the multiverse extends."""
    grid = PLAN.settings.multiverse[name]
    analysis = values_of(PLAN.settings.analyses[grid.extends])
    kept = {key: analysis[key] for key in ("backend", "backend_of", "quantify", "compare")}
    return {"vary": values_of(grid)["vary"], "analysis": kept}
