"""Describes runs and recipes as frozen values."""
