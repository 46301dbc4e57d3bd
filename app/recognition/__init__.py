"""Reads expressions from aligned crops, and judges how well a face can be seen."""
