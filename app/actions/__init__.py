"""Reads facial actions of faces that are known: coefficients of a rig, head pose, blink, gaze."""
