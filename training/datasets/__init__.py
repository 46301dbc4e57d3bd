"""Reads published data sets, packs their faces, and gives examples out of a pack."""
