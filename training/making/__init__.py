"""Makes a model, from pictures or prepared data to the finished file."""
