"""Sweeps: one network trained many ways, a cell each, on every core or on a cluster."""
