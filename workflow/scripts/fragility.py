from petproc.fragility import fragility_study
from petproc.settings import Analysis
from petproc.workflow.handover.fragility import movable_tables, read_measured, write_fragility
from petproc.workflow.job import job

with job(snakemake, "fragility") as run:
    analysis = run.settings(Analysis)
    uptake, change = read_measured(run.input)
    scans = movable_tables(run.input, run.scans, run.worksheet, analysis)
    rows = fragility_study(scans, uptake, change, analysis, verdicts=run.verdicts, threads=run.threads)
    write_fragility(run.output, rows, analysis, run.record())
