"""petproc: from reviewed scans to the change of vessel inflammation. The working directory is the study."""


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/segment.smk"
include: "workflow/rules/align.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/quantify.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/fragility.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/multiverse.smk"
include: "workflow/rules/record.smk"


rule all:
    default_target: True
    input:
        expand(layout.REPORT, analysis=PLAN.settings.analyses),
        expand(layout.MULTIVERSE_PAGE, multiverse=PLAN.settings.multiverse),
        layout.DATASET,
        layout.COMPLETE,
