"""Draws arrays as figures, with matplotlib. Needs no network and no data set."""
