from petproc.compare import compare_each
from petproc.settings import CompareSettings, QuantifySettings
from petproc.workflow.handover.tables import applied_of, read_quantified, write_compared
from petproc.workflow.job import job

with job(snakemake, "compare") as run:
    compared = compare_each(
        *read_quantified(run.input),
        run.scans,
        settings=run.settings(CompareSettings),
        quantify=QuantifySettings.model_validate(run.params["quantify"]),
        applied=applied_of(run.input.pet_sidecar, run.scans, run.worksheet),
    )
    write_compared(run.output, compared, run.record())
