"""Builds HTML pages that need no second file: escaped text, tables, one style and charts."""
