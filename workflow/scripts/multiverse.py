from petproc.multiverse import specifications, sweep
from petproc.settings import Analysis
from petproc.workflow.handover.multiverse import tables_by_backend, write_multiverse
from petproc.workflow.job import job

with job(snakemake, "multiverse") as run:
    grid = run.params["settings"]
    combined = specifications(Analysis.model_validate(grid["analysis"]), grid["vary"])
    tables = tables_by_backend(run.input, run.scans, run.worksheet, combined)
    answers = sweep(combined, run.scans, tables, verdicts=run.verdicts, processes=run.threads)
    write_multiverse(run.output, run.params["name"], combined, answers, run.record())
