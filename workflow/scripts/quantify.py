from petproc.quantify import columns_read, quantify_study
from petproc.settings import QuantifySettings
from petproc.workflow.handover.tables import scan_tables, write_quantified
from petproc.workflow.job import job

with job(snakemake, "quantify") as run:
    settings = run.settings(QuantifySettings)
    scans = scan_tables(run.input, run.scans, run.worksheet, columns_read(settings.coverage))
    quantified = quantify_study(scans, settings, threads=run.threads)
    write_quantified(run.output, run.scans, quantified, run.record())
