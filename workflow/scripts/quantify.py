from petproc.quantify import quantify_study
from petproc.settings import Analysis
from petproc.workflow.handover.tables import scan_tables, write_quantified
from petproc.workflow.job import job

with job(snakemake, "quantify") as run:
    analysis = run.settings(Analysis)
    scans = scan_tables(run.input, run.scans, run.worksheet, analysis)
    quantified = quantify_study(scans, analysis.quantify, verdicts=run.verdicts, threads=run.threads)
    write_quantified(run.output, run.scans, quantified, run.record())
