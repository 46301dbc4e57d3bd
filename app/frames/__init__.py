"""Makes upright BGR pictures of square pixels and plain colours from decoded frames."""
