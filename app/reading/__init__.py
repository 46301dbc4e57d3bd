"""Decides which faces of a stream are read in which frames, and makes the results."""
