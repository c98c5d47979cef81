"""Tables of all scans -> the values of every slice and region, by the settings of one analysis."""


rule quantify:
    input:
        voxels=of_all_scans(layout.VOXELS),
        stations=of_all_scans(layout.STATIONS),
        sample=of_all_scans(layout.SAMPLE),
        pet_sidecar=PLAN.per_scan(layout.PET_SIDECAR),
    output:
        slices=layout.SLICES,
        uptake=layout.UPTAKE,
        vessels=layout.VESSELS,
        inputs=layout.INPUTS,
        quantify=layout.QUANTIFY,
    log:
        log_of("quantify", "analysis"),
    threads: 2
    resources:
        mem_mb=2000,
    params:
        version=RESULTS_VERSION["quantify"],
        settings=segmented_and_quantified,
        scans=PLAN.rows(),
        worksheet=PLAN.entered(),
        verdicts=PLAN.judged(),
    script:
        "../scripts/quantify.py"
