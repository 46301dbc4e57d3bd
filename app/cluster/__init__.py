"""Reads many videos on the machines of a Ray cluster."""
