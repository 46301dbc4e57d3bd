"""Writes the page on a training, which needs no other file."""
