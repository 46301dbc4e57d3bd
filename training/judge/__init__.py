"""Reads faces with trained models, and reports how well."""
