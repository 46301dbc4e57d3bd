"""Finds episodes in records and writes them for other programs."""
