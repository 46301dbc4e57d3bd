"""Finds faces: the detector, the search in a frame, and the follower of faces in a stream."""
