"""Draws results onto pictures."""
