"""Saves, loads, shrinks and widens trained networks, and begins with their weights."""
