"""The hardware: Amaranth components, each with a golden twin of the same name or contract."""
