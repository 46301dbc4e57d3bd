"""Shows a source on the screen, obeys keys, and records on request."""
