"""A delay line: what travels beside a pipeline of fixed latency."""

from amaranth import Signal


def delay(m, signal, cycles, name, *, reset_less=False):
    """``signal`` as it was ``cycles`` cycles before; the registers are named ``name``.

    ``reset_less`` : a reset leaves them as they are (on the iCE40 the reset of a register with an
    enable lengthens the path to the enable).
    """
    for cycle in range(cycles):
        following = Signal.like(signal, name=f"{name}_{cycle + 1}", reset_less=reset_less)
        m.d.sync += following.eq(signal)
        signal = following
    return signal
