"""A delay line: what travels beside a pipeline of fixed latency."""

from amaranth import Signal


def delay(m, signal, cycles, name):
    """``signal`` as it was ``cycles`` cycles before; the registers are named ``name``."""
    for cycle in range(cycles):
        following = Signal.like(signal, name=f"{name}_{cycle + 1}")
        m.d.sync += following.eq(signal)
        signal = following
    return signal
