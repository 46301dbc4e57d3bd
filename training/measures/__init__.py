"""Computes figures of merit from arrays, without a network."""
