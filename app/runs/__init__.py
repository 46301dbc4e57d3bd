"""Plans one run, checks the plan, opens what it names, and takes every frame to the outputs."""
