"""Reads the labels over time that people and other programs gave a video."""
