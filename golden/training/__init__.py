"""Networks of paths in floats: how they start, learn, grow and become integers."""
