"""A run: images through a simulated engine, compared with the golden model and summed up."""
