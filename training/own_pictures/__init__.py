"""Turns a user's folder of labelled pictures into a pack."""
