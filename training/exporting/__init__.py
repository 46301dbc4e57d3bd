"""Writes models as ONNX files, in full, half or 8-bit weights, and checks them against their
networks."""
