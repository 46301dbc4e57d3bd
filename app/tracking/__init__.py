"""Keeps one identity and one steady reading for each person from frame to frame."""
