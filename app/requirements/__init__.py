"""Finds what this machine lacks, before a library that needs it is loaded."""
