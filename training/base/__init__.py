"""Holds what every room of training uses: options, exit codes, progress, devices, memory and
files."""
