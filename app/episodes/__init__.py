"""Finds episodes of expressions in records and writes them for other programs."""
