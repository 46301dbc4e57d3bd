"""Makes the report of a run: one HTML page."""
