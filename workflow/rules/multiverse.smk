"""The comparison of an analysis under every combination of a grid of settings, from the tables that are there."""


rule multiverse:
    input:
        voxels=of_combinations(layout.VOXELS),
        stations=of_combinations(layout.STATIONS),
        sample=of_combinations(layout.SAMPLE),
        pet_sidecar=PLAN.per_scan(layout.PET_SIDECAR),
    output:
        specifications=layout.SPECIFICATIONS,
        changes=layout.CHANGES,
        curve=layout.CURVE,
        multiverse=layout.MULTIVERSE,
        page=layout.MULTIVERSE_PAGE,
    log:
        log_of("multiverse", "multiverse"),
    threads: 2
    resources:
        mem_mb=2000,
    params:
        version=[RESULTS_VERSION["quantify"], RESULTS_VERSION["compare"]],
        settings=lambda wildcards: grid_of(wildcards.multiverse),
        name="{multiverse}",
        scans=PLAN.rows(),
        worksheet=PLAN.entered(),
        verdicts=PLAN.judged(),
    script:
        "../scripts/multiverse.py"
