"""Serves the live page, and the readings as a stream of events, to browsers."""
