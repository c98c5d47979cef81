"""How far PET and CT of one scan are apart."""


rule align:
    input:
        pet=layout.PET,
        pet_sidecar=layout.PET_SIDECAR,
        ct=layout.CT,
        ct_sidecar=layout.CT_SIDECAR,
    output:
        alignment=layout.ALIGNMENT,
    log:
        log_of("align", "participant", "session"),
    threads: 1
    resources:
        mem_mb=2000,
    params:
        version=RESULTS_VERSION["align"],
        settings=values_of(PLAN.settings.align),
    script:
        "../scripts/align.py"
