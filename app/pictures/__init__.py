"""Reads picture files: upright, 8 bits, BGR."""
