"""Shows a source on the screen and records on request."""
