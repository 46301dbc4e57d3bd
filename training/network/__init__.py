"""Computes the network, its losses and its weights, and knows no data and no training."""
