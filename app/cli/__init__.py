"""The command line of `run_demo.py`: options, checks and outputs."""
