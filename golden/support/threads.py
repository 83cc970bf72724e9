"""How many threads NumPy's linear algebra may take: the option ``--threads`` of commands.

One is the default. The products of a network of paths are many and small, so more threads have
nothing to share, and an epoch takes as long. It also keeps results from depending on the machine:
a sum that threads share is rounded otherwise. The matrices of :mod:`golden.training.dense` do gain.
"""

from threadpoolctl import threadpool_limits

from ..errors import InputError


def limit(count: int) -> threadpool_limits:
    """A context in which NumPy's linear algebra takes ``count`` threads, at least 1, at most.

    Raises ``InputError`` for a lower ``count``.
    """
    if count < 1:
        raise InputError(f"threads must be at least 1, not {count}")
    return threadpool_limits(count, user_api="blas")
