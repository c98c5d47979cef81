"""Follow-up against baseline, over the places measured at both."""


rule compare:
    input:
        slices=layout.SLICES,
        uptake=layout.UPTAKE,
        quantify=layout.QUANTIFY,
    output:
        change=layout.CHANGE,
        compare=layout.COMPARE,
    log:
        log_of("compare", "analysis"),
    params:
        version=RESULTS_VERSION["compare"],
        settings=lambda wildcards: plain(analysis_of(wildcards).compare),
        quantify=lambda wildcards: plain(analysis_of(wildcards).quantify),
        scans=PLAN.rows(),
    threads: 1
    resources:
        mem_mb=1000,
    script:
        "../scripts/compare.py"
