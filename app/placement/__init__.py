"""Finds places on a picture for labels and panels. Pure geometry."""
