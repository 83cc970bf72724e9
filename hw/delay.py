"""A delay line: what travels beside a pipeline of fixed latency."""

from typing import Any

from amaranth import Module, Signal


def delay(m: Module, signal: Any, cycles: int, name: str, *, reset_less: bool = False) -> Any:
    """``signal`` as it was ``cycles`` cycles before; the registers are named ``name``.

    ``reset_less`` : a reset leaves them as they are (on the iCE40 the reset of a register with an
    enable lengthens the path to the enable).
    """
    for cycle in range(cycles):
        following = Signal.like(signal, name=f"{name}_{cycle + 1}", reset_less=reset_less)
        m.d.sync += following.eq(signal)
        signal = following
    return signal
