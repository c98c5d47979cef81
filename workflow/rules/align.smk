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
    params:
        version=RESULTS_VERSION["align"],
        settings=plain(PLAN.settings.align),
    threads: 1
    resources:
        mem_mb=2000,
    script:
        "../scripts/align.py"
