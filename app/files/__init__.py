"""Writes, names and hashes files safely, and reads text files of other programs."""
