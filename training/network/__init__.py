"""Computes the network and its losses, and reads its weights. Knows no data and no training."""
