"""Trains, judges and exports the network that the app runs."""

import app  # noqa: F401 - a command started here says in one line what the machine lacks
