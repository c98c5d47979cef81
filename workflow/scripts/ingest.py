from petproc.ingest import ingest_scan
from petproc.settings import IngestSettings
from petproc.workflow.handover.images import read_index, write_ingested
from petproc.workflow.job import job

with job(snakemake, "ingest") as run:
    series = run.params["series"]
    ingested = ingest_scan(
        read_index(run.input.pet, "PET", series["pet"]),
        read_index(run.input.ct, "CT", series["ct"]),
        settings=run.settings(IngestSettings),
        threads=run.threads,
        scan=run.scan,
    )
    write_ingested(run.output, ingested, run.record(ingested.findings), threads=run.threads)
