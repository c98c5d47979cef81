"""How far the numbers of an analysis follow small errors of boundary and alignment, and which changes are less than that."""


rule fragility:
    input:
        voxels=of_all_scans(layout.VOXELS),
        stations=of_all_scans(layout.STATIONS),
        sample=of_all_scans(layout.SAMPLE),
        pet_sidecar=PLAN.per_scan(layout.PET_SIDECAR),
        uptake=layout.UPTAKE,
        quantify=layout.QUANTIFY,
        change=layout.CHANGE,
        compare=layout.COMPARE,
    output:
        fragility=layout.FRAGILITY,
        fragility_sidecar=layout.FRAGILITY_SIDECAR,
    log:
        log_of("fragility", "analysis"),
    threads: 2
    resources:
        mem_mb=2000,
    params:
        version=RESULTS_VERSION["fragility"],
        settings=quantified_and_moved,
        scans=PLAN.rows(),
        worksheet=PLAN.entered(),
        verdicts=PLAN.judged(),
    script:
        "../scripts/fragility.py"
