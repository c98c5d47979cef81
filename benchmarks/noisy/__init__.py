"""Parts of `noise.py`: which scans are made, how they are measured, bias and spread, tables."""
