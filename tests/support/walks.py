"""A walker beside its program memory, and random chains of blocks for it."""

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.wiring import connect

from sobolpath.golden.machine.image import Kind, header, walk
from sobolpath.golden.topology import gf2
from sobolpath.hw.program import Program
from sobolpath.hw.walker import Walker
from tests.support.streams import put, wait

#: The pointers that the three walkers of an engine begin with.
POINTERS = 3


class Walk(Elaboratable):
    """A walker and the program memory that it reads."""

    def __init__(self, *, words, entry, **sizes):
        self.program = Program(words=words, readers=1)
        self.walker = Walker(words=words, entry=entry, **sizes)
        self.entry, self.step_bits = entry, sizes["step_bits"]
        self.address_bits, self.wait_bits = sizes["address_bits"], sizes.get("wait_bits", 0)

    def elaborate(self, platform):
        m = Module()
        m.submodules.program, m.submodules.walker = self.program, self.walker
        connect(m, self.walker.program, self.program.read_0)
        return m


@dataclass
class Block:
    """A block of the program; ``matrix`` is C, address bits by log2(steps)."""

    kind: Kind
    shift: int
    fan_in: int
    base: int
    wait: int
    start: int
    matrix: np.ndarray

    @property
    def header(self):
        return header(self.kind, self.shift, self.fan_in, self.matrix.shape[1])

    @property
    def words(self):
        return [
            self.header,
            self.base,
            -self.wait & 0xFFFF,
            *walk(self.start, gf2.columns(self.matrix)),
        ]

    @property
    def steps(self):
        """(address, first, last) of every step."""
        count = 1 << self.matrix.shape[1]
        addresses = self.start ^ gf2.apply(self.matrix, np.arange(count))
        return [(a, n == 0, n == count - 1) for n, a in enumerate(addresses.tolist())]


def block_of(rng, dut, *, steps=None, kind=Kind.HIDDEN, pause=0):
    """A random block of 2**steps steps."""
    steps = rng.randrange(dut.step_bits + 1) if steps is None else steps
    bits = [[rng.randrange(2) for _ in range(steps)] for _ in range(dut.address_bits)]
    return Block(
        kind,
        rng.randrange(32),
        rng.randrange(16),
        rng.randrange(2**16),
        pause,
        rng.randrange(1 << dut.address_bits),
        np.array(bits, np.uint8).reshape(dut.address_bits, steps),
    )


def chain_of(rng, dut, steps, end):
    """Blocks of 2**steps steps each, the last one of kind ``end``."""
    kinds = [Kind.HIDDEN] * (len(steps) - 1) + [end]
    return [block_of(rng, dut, steps=n, kind=k) for n, k in zip(steps, kinds, strict=True)]


async def load(ctx, dut, rng, chain, cycle=0):
    """Write a program that holds the chain somewhere, and noise elsewhere; the cycle after."""
    words = [word for block in chain for word in block.words]
    size = 1 << (len(dut.walker.program.address))
    place = rng.randrange(POINTERS, size - len(words) + 1)
    content = [rng.randrange(2**16) for _ in range(size)]
    content[dut.entry] = place
    content[place : place + len(words)] = words
    items = [
        {"address": 2 * at + byte, "data": word >> 8 * byte & 255}
        for at, word in enumerate(content)
        for byte in (0, 1)
    ]
    rng.shuffle(items)
    cycle = (await put(ctx, dut.program.write, items, start=cycle))[-1] + 1
    await wait(ctx, 2)  # the pointer is read again
    return cycle + 2


async def start(ctx, walker, cycle):
    """Begin a chain once idle; the cycle of ``go``."""
    while not ctx.get(walker.idle):
        await ctx.tick()
        cycle += 1
    ctx.set(walker.go, 1)
    await ctx.tick()
    ctx.set(walker.go, 0)
    return cycle


def step_of(payload):
    return payload.address, bool(payload.first), bool(payload.last)
