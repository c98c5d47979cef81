"""DICOM files -> PET in Bq/mL and CT in HU, with all that SUV and uptake time need."""


rule ingest:
    input:
        pet=index_of("pet"),
        ct=index_of("ct"),
    output:
        pet=layout.PET,
        pet_sidecar=layout.PET_SIDECAR,
        ct=layout.CT,
        ct_sidecar=layout.CT_SIDECAR,
    log:
        log_of("ingest", "participant", "session"),
    threads: 1
    resources:
        mem_mb=2000,
    params:
        version=RESULTS_VERSION["ingest"],
        settings=values_of(PLAN.settings.ingest),
        series=series_of,
    script:
        "../scripts/ingest.py"
