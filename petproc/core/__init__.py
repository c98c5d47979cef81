"""Core types and small pure functions: no paths, no files, no settings."""
