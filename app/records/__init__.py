"""Writes and reads records: one row per face and frame."""
