"""Reads what people and other programs say of a video: labels over time."""
