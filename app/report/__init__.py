"""Makes the report of a run: one HTML page with timelines, stills and the quality of the data."""
