"""Writes and names files safely, and reads text files of other programs."""
