"""Vessels on the CT: one file or folder per backend, and what they share."""
