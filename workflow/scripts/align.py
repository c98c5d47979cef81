from petproc.align import estimate_alignment
from petproc.settings import AlignSettings
from petproc.workflow.handover.images import read_acquisition, read_ct, read_pet, write_alignment
from petproc.workflow.job import job

with job(snakemake, "align") as run:
    alignment = estimate_alignment(
        read_pet(run.input),
        read_ct(run.input),
        settings=run.settings(AlignSettings),
        acquisition=read_acquisition(run.input.pet_sidecar),
        scan=run.scan,
    )
    write_alignment(run.output, alignment, run.record(alignment.findings))
