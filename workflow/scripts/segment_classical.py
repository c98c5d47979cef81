from petproc.segment import classical
from petproc.workflow.handover.images import read_ct, write_segmentation
from petproc.workflow.job import job

with job(snakemake, "segment") as run:
    segmentation = classical.segment(read_ct(run.input), scan=run.scan, threads=run.threads)
    write_segmentation(run.output, segmentation, run.record(segmentation.findings))
