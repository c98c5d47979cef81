from petproc.segment import totalsegmentator
from petproc.settings import TotalSegmentatorSettings
from petproc.workflow.handover.images import read_ct, write_segmentation
from petproc.workflow.job import job

with job(snakemake, "segment") as run:
    settings = run.settings(TotalSegmentatorSettings)
    segmentation = totalsegmentator.segment(read_ct(run.input), settings=settings, scan=run.scan, threads=run.threads)
    write_segmentation(run.output, segmentation, run.record(segmentation.findings))
