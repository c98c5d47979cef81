"""The page of an analysis; and the last word on the run: is every scan measured, or excluded with a reason?"""


rule report:
    input:
        slices=layout.SLICES,
        uptake=layout.UPTAKE,
        quantify=layout.QUANTIFY,
        change=layout.CHANGE,
        compare=layout.COMPARE,
        overlays=of_all_scans(layout.OVERLAYS),
        sample=of_all_scans(layout.SAMPLE),
    output:
        report=layout.REPORT,
    log:
        log_of("report", "analysis"),
    threads: 1
    resources:
        mem_mb=1000,
    params:
        version=RESULTS_VERSION["report"],
        settings=plain(PLAN.settings.report),
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
        scans=PLAN.rows(),
    script:
        "../scripts/complete.py"
