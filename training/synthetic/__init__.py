"""Makes pictures and frames: backgrounds, pasted faces, and frames without a face."""
