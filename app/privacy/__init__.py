"""Makes faces unrecognisable, and covers whole frames when a face may be missing."""
