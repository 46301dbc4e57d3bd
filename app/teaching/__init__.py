"""Learns how one person shows expressions, and corrects that person's readings."""
