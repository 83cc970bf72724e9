"""A serial port: 8 data bits, no parity, 1 stop bit, least significant bit first.

The line rests at 1. A byte is a start bit (0), eight data bits and a stop bit (1), each ``divisor``
clock cycles long. Both directions are streams of bytes.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from sobolpath.golden.errors import InputError

MAX_RATE_ERROR = 0.02  # the last bit is sampled 9.5 bits after the edge: 2 % leave 0.3 bits of 0.5
MIN_DIVISOR = 8  # the edge is seen one cycle late at most: an eighth of a bit
MAX_DIVISOR = 1 << 16  # of the clock: 732 baud at 48 MHz


def baud_divisor(*, clock_hz: float, baud: int) -> int:
    """Clock cycles a bit: the integer whose rate is nearest to ``baud``.

    Parameters: ``clock_hz`` in hertz, ``baud`` in bits a second, both above 0.
    Raises ``InputError`` if the rate is more than 2 % off or a bit shorter than 8 cycles.
    """
    if not (clock_hz > 0 and baud > 0):
        raise InputError(f"clock and baud must be above 0, not {clock_hz!r} and {baud!r}")
    divisor = round(clock_hz / baud)
    fastest = int(clock_hz // MIN_DIVISOR)
    if divisor > MAX_DIVISOR:
        raise InputError(
            f"baud must be at least {clock_hz / MAX_DIVISOR:.0f} at {clock_hz / 1e6:g} MHz, "
            f"not {baud}"
        )
    if divisor < MIN_DIVISOR:
        raise InputError(f"baud must be at most {fastest} at {clock_hz / 1e6:g} MHz, not {baud}")
    rate = clock_hz / divisor
    if abs(rate / baud - 1) > MAX_RATE_ERROR:
        raise InputError(
            f"baud must be within 2 % of {rate:.0f}, the nearest rate that "
            f"{clock_hz / 1e6:g} MHz gives, not {baud}"
        )
    return divisor


def _check_divisor(divisor):
    if not isinstance(divisor, int) or divisor < MIN_DIVISOR:
        raise ValueError(f"divisor must be an integer of at least {MIN_DIVISOR}, not {divisor!r}")


class Receiver(wiring.Component):
    """Bits to bytes.

    A byte is offered 9.5 bits after its first edge reaches the pin, and 3 cycles more (two
    synchronizer flip-flops, one register). A line knows no backpressure: a byte must be taken by
    the middle of the next one's start bit, a bit after it is offered at the earliest.

    A byte that was not taken in time, or came without a stop bit, leaves a hole in what the sender
    meant; so from then on no byte is offered until a break, the line at 0 for 20 bits or more, or
    until ``listen``.

    Parameters
    ----------
    divisor : clock cycles a bit, at least 8.

    Members
    -------
    rx : In(1), the line, asynchronous.
    o : Out(stream of 8 bits), the bytes; withdrawn at an overrun.
    framing : Out(1), for one cycle: a stop bit was 0, but it was no break.
    overrun : Out(1), for one cycle: the byte at ``o`` was not taken in time.
    line_break : Out(1), for one cycle: a break; the next byte begins after the line is back at 1.
    active : Out(1), the line is at 0.
    listen : In(1), what comes next is the beginning of something: bytes are offered again.

    Raises ``ValueError`` for a divisor below 8.
    """

    def __init__(self, *, divisor: int):
        _check_divisor(divisor)
        self.divisor = divisor
        super().__init__(
            {
                "rx": In(1, init=1),
                "o": Out(stream.Signature(8)),
                "framing": Out(1),
                "overrun": Out(1),
                "line_break": Out(1),
                "active": Out(1),
                "listen": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        line = Signal(init=1)
        timer = Signal(range(self.divisor))
        sample = Signal()
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        # The start bit shifts in first and reaches bit 0 with the eighth data bit: all is there.
        shifted = Signal(9, reset_less=True)
        deaf = Signal()
        begun = [shifted.eq(0xFF), self.o.valid.eq(0)]
        m.d.comb += [self.o.payload.eq(shifted[1:]), self.active.eq(~line)]
        m.d.sync += [
            timer.eq(Mux(sample, self.divisor - 1, timer - 1)),
            sample.eq(timer == 1),
            *(pulse.eq(0) for pulse in (self.framing, self.overrun, self.line_break)),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.listen):
            m.d.sync += deaf.eq(0)
        with m.FSM(init="REST"):
            with m.State("REST"), m.If(line):
                m.next = "IDLE"
            with m.State("IDLE"):
                m.d.sync += [timer.eq(self.divisor // 2 - 1), sample.eq(0)]
                with m.If(~line):
                    m.next = "START"
            with m.State("START"), m.If(sample):
                m.next = "IDLE"  # shorter than half a bit: not a start bit
                with m.If(~line):
                    lost = self.o.valid & ~self.o.ready
                    m.d.sync += [*begun, self.overrun.eq(lost), deaf.eq(deaf | lost)]
                    m.next = "DATA"
            with m.State("DATA"), m.If(sample):
                with m.If(shifted[0]):
                    m.d.sync += shifted.eq(Cat(shifted[1:], line))
                with m.Elif(line):
                    m.d.sync += self.o.valid.eq(~deaf)
                    m.next = "IDLE"
                with m.Else():
                    m.d.sync += [*begun, deaf.eq(1), self.framing.eq(1)]
                    with m.If(shifted == 0):
                        m.d.sync += [deaf.eq(0), self.framing.eq(0), self.line_break.eq(1)]
                        m.next = "REST"
        return m


class Transmitter(wiring.Component):
    """Bytes to bits.

    A byte takes 10 bits and one cycle more. The start bit is on the line in the cycle after the
    transfer. ``ready`` is a register.

    Parameters
    ----------
    divisor : clock cycles a bit, at least 8.

    Members
    -------
    i : In(stream of 8 bits), the bytes.
    tx : Out(1), the line.

    Raises ``ValueError`` for a divisor below 8.
    """

    def __init__(self, *, divisor: int):
        _check_divisor(divisor)
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        # What is still to be sent, the stop bit on top: when it alone is left, the byte is done.
        shifter = Signal(10, init=1)
        timer = Signal(range(self.divisor))
        m.d.comb += self.tx.eq(shifter[0])
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [shifter.eq(Cat(0, self.i.payload, 1)), self.i.ready.eq(0)]
            m.d.sync += timer.eq(self.divisor - 1)
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(shifter[1:] != 0):
            m.d.sync += [shifter.eq(shifter >> 1), timer.eq(self.divisor - 1)]
        with m.Else():
            m.d.sync += self.i.ready.eq(1)
        return m
