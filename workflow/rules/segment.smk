"""CT -> vessels with centrelines and scores; one rule per backend, and one for masks that a person changed."""


rule segment_classical:
    input:
        ct=layout.CT,
        ct_sidecar=layout.CT_SIDECAR,
    output:
        **segmented_by("classical"),
    log:
        log_of("segment_classical", "participant", "session"),
    threads: 1
    resources:
        mem_mb=2000,
    params:
        version=RESULTS_VERSION["segment"],
    script:
        "../scripts/segment_classical.py"


rule segment_seeded:
    input:
        ct=layout.CT,
        ct_sidecar=layout.CT_SIDECAR,
    output:
        **segmented_by("seeded"),
    log:
        log_of("segment_seeded", "participant", "session"),
    threads: 1
    resources:
        mem_mb=2000,
    params:
        version=RESULTS_VERSION["segment"],
        settings=values_of(PLAN.settings.segment.seeded),
        points=points_of,
    script:
        "../scripts/segment_seeded.py"


rule segment_imported:
    input:
        ct=layout.CT,
        ct_sidecar=layout.CT_SIDECAR,
        mask=lambda wildcards: present(mask_of(wildcards)),
    output:
        **segmented_by("imported"),
    log:
        log_of("segment_imported", "participant", "session"),
    threads: 1
    resources:
        mem_mb=2000,
    params:
        version=RESULTS_VERSION["segment"],
        settings={"names": values_of(PLAN.settings.segment.imported)["names"]},
        mask=mask_of,
        points=bifurcations_of,
    script:
        "../scripts/segment_imported.py"


rule segment_totalsegmentator:
    input:
        ct=layout.CT,
        ct_sidecar=layout.CT_SIDECAR,
    output:
        **segmented_by("totalsegmentator"),
    log:
        log_of("segment_totalsegmentator", "participant", "session"),
    threads: 4
    resources:
        mem_mb=12000,
        gpu=int(PLAN.settings.segment.totalsegmentator.device == "gpu"),
    params:
        version=RESULTS_VERSION["segment"],
        settings=values_of(PLAN.settings.segment.totalsegmentator),
    script:
        "../scripts/segment_totalsegmentator.py"


rule segment_edited:
    input:
        ct=layout.CT,
        ct_sidecar=layout.CT_SIDECAR,
        mask=lambda wildcards: present(edited_by(wildcards).get("mask", "")),
    output:
        **segmented_by(layout.edited("{backend}")),
    log:
        log_of("segment_edited_{backend}", "participant", "session"),
    wildcard_constraints:
        backend="|".join(PLAN.settings.segment.backends),
    threads: 1
    resources:
        mem_mb=2000,
    params:
        version=RESULTS_VERSION["segment"],
        edit=edited_by,
        points=edited_bifurcations_of,
    script:
        "../scripts/segment_edited.py"
