"""Holds what every room uses: options, exit codes, progress, devices, memory, files and words."""
