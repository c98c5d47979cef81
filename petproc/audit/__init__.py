"""The way back from every number: who did what, and whether what is there still follows from what it says."""
