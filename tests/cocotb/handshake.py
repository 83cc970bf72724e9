"""Drivers and monitors for the stream ports of a component's Verilog, and the bench that runs them.

Everything is driven at the falling edge of the clock and sampled once all signals have settled,
before the rising edge that transfers: no simulator's order of events matters.
"""

import random
from collections import deque

import cocotb
from amaranth.hdl import Const, Shape
from amaranth.lib import data, stream
from amaranth.lib.wiring import Flow
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge
from cocotb.types import LogicArray

PERIOD = 10  # ns


def pack(shape, value):
    """The bits of a payload, as an integer >= 0, from numbers, lists and dictionaries."""
    if isinstance(shape, data.Layout):
        return shape.const(value).as_value().value
    return Const(int(value), Shape.cast(shape)).value & (1 << Shape.cast(shape).width) - 1


def unpack(shape, bits):
    """The inverse of :func:`pack`: numbers, lists and dictionaries."""
    if isinstance(shape, data.Layout):
        values = {
            key: unpack(field.shape, bits >> field.offset & (1 << field.width) - 1)
            for key, field in shape
        }
        return list(values.values()) if isinstance(shape, data.ArrayLayout) else values
    return Const(bits, Shape.cast(shape)).value


def logits(values):
    """What a stream of logits must give for ``values`` (B, n): the last of each row is ``last``."""
    return [
        {"data": int(value), "last": int(number == len(row) - 1)}
        for row in values
        for number, value in enumerate(row)
    ]


def read(handle):
    """A port's value, which must be made of 0 and 1."""
    try:
        return int(handle.value)
    except ValueError:
        raise AssertionError(f"{handle._name} must be 0 and 1, not {handle.value}") from None


class Port:
    """The three signals of a stream; a payload, or ready, that is constant has no port."""

    def __init__(self, dut, name, shape):
        self.name, self.shape, self.stall = name, shape, 0.0
        self.valid = getattr(dut, f"{name}__valid")
        self.payload = getattr(dut, f"{name}__payload", None)
        self.ready = getattr(dut, f"{name}__ready", None)
        self.cycles = []  # in which items were transferred

    def stalls(self):
        return self.stall and random.random() < self.stall


class Driver(Port):
    """Offers what is in ``items``; an offer stands until it is taken.

    Where nothing is offered the payload is undefined (random on two-state simulators). ``stall`` is
    the chance that in a cycle nothing new is offered.
    """

    def __init__(self, dut, name, shape):
        super().__init__(dut, name, shape)
        self.items, self.offered = deque(), False

    def drive(self):
        if self.offered:
            return
        if self.items and not self.stalls():
            self.offered = True
            if self.payload is not None:
                self.payload.value = pack(self.shape, self.items[0])
        elif self.payload is not None:
            self.payload.value = self.rubbish()
        self.valid.value = int(self.offered)

    def rubbish(self):
        if cocotb.SIM_NAME.lower().startswith("icarus"):
            return LogicArray("X" * len(self.payload))
        return random.getrandbits(len(self.payload))

    def sample(self, cycle):
        ready = self.ready is None or read(self.ready)
        if self.offered and ready:
            self.items.popleft()
            self.cycles.append(cycle)
            self.offered = False


class Monitor(Port):
    """Takes items into ``items``; asserts that an offer is defined and stands until it is taken.

    ``stall`` is the chance that a cycle is not ready.
    """

    def __init__(self, dut, name, shape):
        super().__init__(dut, name, shape)
        self.items, self.offered, self.taking = [], None, False

    def drive(self):
        self.taking = not self.stalls()
        if self.ready is not None:
            self.ready.value = int(self.taking)

    def sample(self, cycle):
        valid = read(self.valid)
        bits = read(self.payload) if valid and self.payload is not None else 0
        if self.offered is not None:
            assert (valid, bits) == (1, self.offered), f"{self.name}: an offer was taken back"
        self.offered = bits if valid and not self.taking else None
        if valid and self.taking:
            self.items.append(unpack(self.shape, bits))
            self.cycles.append(cycle)


class Bench:
    """Clock, reset, and a driver or monitor for every stream of a component.

    ``dut`` is the simulator's handle of the Verilog of ``component``. The ports are attributes,
    ``bench.i`` for a stream ``i``. Every cycle after the reset, valid and ready of all streams must
    be 0 or 1, and payloads while they are valid; so must be the output signals named in ``flags``.
    """

    def __init__(self, dut, component, flags=()):
        self.dut, self.cycle, self.ports = dut, 0, []
        self.seen = {name: [] for name in flags}
        for name, member in component.signature.members.items():
            if member.is_signature and isinstance(member.signature, stream.Signature):
                kind = Driver if member.flow == Flow.In else Monitor
                setattr(self, name, kind(dut, name, member.signature.members["payload"].shape))
                self.ports.append(getattr(self, name))

    async def reset(self):
        """Reset for two cycles; from then on the ports run."""
        for port in self.ports:
            port.drive()
            (port.valid if isinstance(port, Driver) else port.ready).value = 0
        self.dut.rst.value = 1
        Clock(self.dut.clk, PERIOD, "ns").start()
        for _ in range(3):
            await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0
        cocotb.start_soon(self._run())

    async def _run(self):
        while True:
            for port in self.ports:
                port.drive()
            await ReadOnly()
            for port in self.ports:
                port.sample(self.cycle)
            for name, cycles in self.seen.items():
                if read(getattr(self.dut, name)):
                    cycles.append(self.cycle)
            self.cycle += 1
            await FallingEdge(self.dut.clk)

    async def until(self, condition):
        """Wait, cycle by cycle, until ``condition()`` is true."""
        while not condition():
            await RisingEdge(self.dut.clk)

    async def sent(self, driver):
        """Wait until all of a driver's items have been taken."""
        await self.until(lambda: not driver.items)

    async def received(self, monitor, count):
        """Wait until a monitor has ``count`` items, and for what may follow by mistake."""
        await self.until(lambda: len(monitor.items) >= count)
        await self.idle(20)

    async def idle(self, cycles):
        """Let some cycles pass."""
        end = self.cycle + cycles
        await self.until(lambda: self.cycle >= end)


def compare(got, expected):
    """Assert that two lists are equal; the first difference is named."""
    for index, (one, other) in enumerate(zip(got, expected, strict=False)):
        assert one == other, f"item {index} must be {other}, not {one}"
    assert len(got) == len(expected), f"{len(expected)} items must come out, not {len(got)}"


def check_gaps(starts, latency, cycles, lengths):
    """Assert that the items of every start follow it after ``latency`` cycles, one a cycle."""
    for start, length in zip(starts, lengths, strict=True):
        compare(cycles[:length], list(range(start + latency, start + latency + length)))
        cycles = cycles[length:]
    assert not cycles, f"{len(cycles)} items more than the starts asked for"
