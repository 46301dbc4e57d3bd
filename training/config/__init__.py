"""Describes recipes as frozen values that are checked when they are made."""
