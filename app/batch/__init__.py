"""Annotates one or many video files."""
