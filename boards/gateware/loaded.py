"""What the device knows of the network in its memories: it outlasts a break."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .crc import BITS, SerialCrc

SIZE_BITS = 16


class Loaded(wiring.Component):
    """The digest of what was written, the bytes of one INFER, and whether a network is there.

    Digest and bytes are read a bit a cycle, lowest first, while both turn: after 32 turns all is as
    before. What may be interrupted turns on until it is ``aligned``.

    Parameters
    ----------
    learns : whether there are steps of learning, each of which is a bit more of the digest, a 0.

    Members
    -------
    bit : In(1), of a command's data.
    add : In(1), it belongs into the digest; ``keep`` : In(1), it is one of the bytes' digits.
    begin : In(1), of a network: the digest is that of nothing.
    forget, confirm : In(1), no network is there; the network is there.
    turn : In(1), all turns by one place.
    step : In(1), with ``learns``: of learning, which the digest counts; nothing turns meanwhile.
    aligned : Out(1), nothing is turned.
    digest, size : Out(1), the bit that is to be read.
    network : Out(1), a network is there whose digest was checked.
    """

    def __init__(self, *, learns: bool = False):
        self.crc, self._learns = SerialCrc(), learns
        inputs = ("bit", "add", "keep", "begin", "forget", "confirm", "turn")
        outputs = ("aligned", "digest", "size", "network")
        if learns:
            inputs += ("step",)
        super().__init__({name: In(1) for name in inputs} | {name: Out(1) for name in outputs})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.crc = crc = self.crc
        size = Signal(SIZE_BITS)
        turned = Signal(range(BITS))
        bit, add = self.bit, self.add
        if self._learns:  # a cycle later, which nothing that reads the digest is early enough for
            bit, add = Signal(name="bit_1"), Signal(name="add_1")
            m.d.sync += [bit.eq(self.bit & ~self.step), add.eq(self.add | self.step)]
        m.d.comb += [
            crc.bit.eq(bit),
            crc.step.eq(add),
            crc.turn.eq(self.turn),
            crc.start.eq(self.begin),
            self.digest.eq(crc.low),
            self.size.eq(size[0]),
            self.aligned.eq(turned == 0),
        ]
        with m.If(self.turn | self.keep):
            m.d.sync += size.eq(Cat(size[1:], (self.keep & self.bit) | (~self.keep & size[0])))
        with m.If(self.turn):
            m.d.sync += turned.eq(turned + 1)
        with m.If(self.forget):
            m.d.sync += self.network.eq(0)
        with m.Elif(self.confirm):
            m.d.sync += self.network.eq(1)
        return m
