"""Reads published data sets, packs their faces, and gives examples from a pack."""
