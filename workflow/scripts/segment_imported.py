from petproc.segment import imported
from petproc.settings import ImportedSettings
from petproc.workflow.handover.images import read_ct, read_mask, write_segmentation
from petproc.workflow.job import job

with job(snakemake, "segment") as run:
    names = run.settings(ImportedSettings).names
    ct = read_ct(run.input)
    labels = read_mask(run.input.mask, names, wanted=run.params["mask"])
    segmentation = imported.segment(ct, labels, names=names, scan=run.scan)
    write_segmentation(run.output, segmentation, run.record(segmentation.findings))
