"""What `benchmarks/segmentation.py` measures, one module a part. Each has `run(options) -> Part`."""
