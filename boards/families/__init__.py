"""Families of devices: their cells, PLLs, tools and limits."""
