"""Saves and loads networks with their recipes, and begins one network with the weights of
another."""
