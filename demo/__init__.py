"""A page in the browser: draw a digit, and a board, or a simulated one, says which it is."""
