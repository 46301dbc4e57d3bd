"""Opens cameras, network streams, videos and pictures, and reads frames from them."""
