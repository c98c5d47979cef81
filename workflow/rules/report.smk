"""The page of an analysis; and the last word on the run: is every scan measured, or excluded with a reason?"""


rule report:
    input:
        slices=layout.SLICES,
        uptake=layout.UPTAKE,
        vessels=layout.VESSELS,
        inputs=layout.INPUTS,
        quantify=layout.QUANTIFY,
        change=layout.CHANGE,
        compare=layout.COMPARE,
        fragility=layout.FRAGILITY,
        fragility_sidecar=layout.FRAGILITY_SIDECAR,
        pet_sidecar=PLAN.per_scan(layout.PET_SIDECAR),
        segmentation=of_all_scans(layout.SEGMENTATION),
        alignment=PLAN.per_scan(layout.ALIGNMENT),
        sample=of_all_scans(layout.SAMPLE),
        overlays=of_all_scans(layout.OVERLAYS),
    output:
        report=layout.REPORT,
    log:
        log_of("report", "analysis"),
    threads: 1
    resources:
        mem_mb=1000,
    params:
        version=RESULTS_VERSION["report"],
        settings=values_of(PLAN.settings.report),
        name="{analysis}",
        analysis=lambda wildcards: values_of(analysis_of(wildcards)),
        exploratory=lambda wildcards: PLAN.exploratory(wildcards.analysis),
        decided=PLAN.decided(),
        scans=PLAN.rows(),
    script:
        "../scripts/report.py"


rule complete:
    input:
        report=expand(layout.REPORT, analysis=PLAN.settings.analyses),
        uptake=expand(layout.UPTAKE, analysis=PLAN.settings.analyses),
    output:
        complete=layout.COMPLETE,
    log:
        layout.LOG.format(stage="complete", name="complete"),
    threads: 1
    resources:
        mem_mb=1000,
    params:
        analyses=list(PLAN.settings.analyses),
        scans=PLAN.rows(),
    script:
        "../scripts/complete.py"
