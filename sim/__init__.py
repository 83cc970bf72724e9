"""Cycle-accurate simulation of the engine, compared with the golden model value by value."""
