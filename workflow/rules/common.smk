"""The plan that every rule reads. Params are plain values and only those a rule uses, so that an edit re-runs no more
than it must; RESULTS_VERSION stands in for the library's code, which Snakemake does not watch."""

import sys

from petproc import layout
from petproc.core.errors import Refusal
from petproc.settings import RESULTS_VERSION, plain
from petproc.workflow.plan import NAME, Plan, present

try:
    PLAN = Plan.of(config)
except Refusal as refusal:
    sys.exit(f"Nothing was run. {refusal}")


wildcard_constraints:
    participant=PLAN.constraint("participant"),
    session=PLAN.constraint("session"),
    backend="|".join(PLAN.settings.segment.backends),
    analysis="|".join(PLAN.settings.analyses),


def log_of(stage, *wildcards):
    """The log of a job of `stage`, one per combination of `wildcards`."""
    return layout.LOG.format(stage=stage, name="_".join(f"{{{wildcard}}}" for wildcard in wildcards))


def index_of(image):
    """Index of the PET's or CT's files, none where inventory never saw the series that the scan's row names."""
    return lambda wildcards: present(
        layout.INDEX.format(series=getattr(PLAN.scan(wildcards.participant, wildcards.session), image))
    )


def analysis_of(wildcards):
    return PLAN.settings.analyses[wildcards.analysis]


def backend_of(wildcards):
    return analysis_of(wildcards).backend
