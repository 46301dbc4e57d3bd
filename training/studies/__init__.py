"""Compares recipes, ensembles and ways to train."""
