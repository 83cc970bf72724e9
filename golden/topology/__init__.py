"""Which paths there are: generator matrices, Sobol' and other paths, and how good they are."""
