"""What the workflow stands on: the plan of a run, what every script runs in, and the files between the stages."""
