"""Follow-up against baseline, over the places measured at both."""


rule compare:
    input:
        slices=layout.SLICES,
        uptake=layout.UPTAKE,
        quantify=layout.QUANTIFY,
        pet_sidecar=PLAN.per_scan(layout.PET_SIDECAR),
    output:
        change=layout.CHANGE,
        compare=layout.COMPARE,
    log:
        log_of("compare", "analysis"),
    threads: 1
    resources:
        mem_mb=1000,
    params:
        version=RESULTS_VERSION["compare"],
        settings=lambda wildcards: values_of(analysis_of(wildcards).compare),
        quantify=lambda wildcards: values_of(analysis_of(wildcards).quantify),
        exploratory=lambda wildcards: PLAN.exploratory(wildcards.analysis),
        scans=PLAN.rows(),
        worksheet=PLAN.entered(),
    script:
        "../scripts/compare.py"
