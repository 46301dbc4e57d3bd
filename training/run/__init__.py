"""Trains a network from its first step to its last checkpoint."""
