from petproc.compare import compare_study
from petproc.settings import CompareSettings, QuantifySettings
from petproc.workflow.handover.tables import read_acquisitions, read_quantified, write_compared
from petproc.workflow.job import job

with job(snakemake, "compare") as run:
    compared = compare_study(
        *read_quantified(run.input),
        run.scans,
        settings=run.settings(CompareSettings),
        quantify=QuantifySettings.model_validate(run.params["quantify"]),
        acquisitions=read_acquisitions(run.input.pet_sidecar, run.scans),
    )
    write_compared(run.output, compared, run.record())
