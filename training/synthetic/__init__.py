"""Makes pictures and frames: grounds, pasted faces, and frames without a face."""
