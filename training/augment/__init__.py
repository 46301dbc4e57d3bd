"""Changes training batches at random."""
