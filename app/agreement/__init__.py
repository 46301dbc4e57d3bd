"""Measures how well two codings of a video agree."""
