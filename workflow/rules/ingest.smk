"""DICOM files -> PET in Bq/mL and CT in HU, with all that SUV and uptake time need; and what makes a dataset of them."""


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


rule dataset:
    input:
        pet_sidecar=PLAN.per_scan(layout.PET_SIDECAR),
    output:
        description=layout.DATASET,
        readme=layout.README,
        participants=layout.PARTICIPANTS,
        participants_sidecar=layout.PARTICIPANTS_SIDECAR,
        ignored=layout.BIDS_IGNORED,
        derived=layout.DERIVED_DATASET,
    log:
        layout.LOG.format(stage="dataset", name="dataset"),
    threads: 1
    resources:
        mem_mb=1000,
    params:
        version=RESULTS_VERSION["ingest"],
        scans=PLAN.rows(),
    script:
        "../scripts/dataset.py"
