"""Writes annotated videos and pictures, and the description of a run."""
