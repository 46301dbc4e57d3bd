"""Examines the machine (`--doctor`) and measures the speed (`--benchmark`)."""
