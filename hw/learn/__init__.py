"""Parts of an engine that learns, each with its golden twin in :mod:`golden.learn`.

They connect beside the parts of the path engine, which stay as they are: inference is the same.
"""
