"""Finds the packages and libraries that this machine lacks, before they are needed."""
