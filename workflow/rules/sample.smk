"""PET, CT and vessels -> the voxel and station tables; after this no image is opened."""


rule sample:
    input:
        pet=layout.PET,
        pet_sidecar=layout.PET_SIDECAR,
        ct=layout.CT,
        ct_sidecar=layout.CT_SIDECAR,
        labels=layout.LABELS,
        label_names=layout.LABEL_NAMES,
        segmentation=layout.SEGMENTATION,
        centrelines=layout.CENTRELINES,
        alignment=layout.ALIGNMENT,
    output:
        voxels=layout.VOXELS,
        stations=layout.STATIONS,
        sample=layout.SAMPLE,
        overlays=layout.OVERLAYS,
    log:
        log_of("sample_{backend}", "participant", "session"),
    threads: 1
    resources:
        mem_mb=2000,
    params:
        version=RESULTS_VERSION["sample"],
        settings=values_of(PLAN.settings.sample),
    script:
        "../scripts/sample.py"
