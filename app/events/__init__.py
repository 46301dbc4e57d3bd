"""Tells other programs of every frame while it is read."""
