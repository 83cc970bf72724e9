"""The machine that takes paths in their own order: Keller & Van keirsbilck, section 4.4."""
