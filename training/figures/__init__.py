"""Draws figures from values with matplotlib, which nothing else in training needs."""
