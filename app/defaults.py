"""What the command line says of its defaults before any package is loaded: `--help` and `--doctor`
work where nothing is installed."""

SMOOTH_S = 0.5  # over how long readings are averaged; docs/steadiness.md
