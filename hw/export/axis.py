"""The path engine for other people's designs: AXI4-Stream ports, the network as a stream of bytes.

The network comes in ``golden.machine.records``, one after the other, and nothing between them is
timed. A memory, a flash or a DMA sends such a file as it is: there is no address to make outside,
and no packet to cut.
"""

from typing import Any

from amaranth.hdl import Cat, ClockDomain, DomainRenamer, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from sobolpath.golden.machine.image import Space
from sobolpath.golden.machine.records import RECORD

from ..engines import Config, component


class RecordReader(wiring.Component):
    """Takes records apart: a byte, its space and its address, as the engine's ``write`` wants them.

    Throughput: a byte a cycle. Latency: none, a byte goes through as it comes. Where a record may
    begin, any other byte is passed over: a file may be padded.

    Parameters
    ----------
    config : hw.engines.Config

    Members
    -------
    i : stream of {data, last}. A byte that is ``last`` ends the record that it is in, complete or
        not: the next byte begins one.
    o : stream of ``config.write_layout``.
    """

    def __init__(self, config: Config):
        byte = data.StructLayout({"data": 8, "last": 1})
        super().__init__(
            {
                "i": In(stream.Signature(byte)),
                "o": Out(stream.Signature(config.write_layout)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        byte, write = self.i.payload, self.o.payload
        space = Signal.like(write.space, reset_less=True)
        index = Signal(range(5))
        address = Signal(max(16, len(write.address)), reset_less=True)
        last = Signal(16, reset_less=True)
        taken = Signal()
        m.d.comb += [
            taken.eq(self.i.valid & self.i.ready),
            write.space.eq(space),
            write.address.eq(address),
            write.data.eq(byte.data),
        ]
        with m.FSM():
            with m.State("BEGIN"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += index.eq(0)
                with m.If(taken & ~byte.last), m.Switch(byte.data):
                    for number in Space:
                        with m.Case(RECORD + number):
                            m.d.sync += space.eq(number)
                            m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(taken):
                    m.d.sync += index.eq(index + 1)
                    with m.Switch(index):
                        for number in range(3):
                            with m.Case(number):
                                part = address[8 * number : 8 * number + 8]
                                m.d.sync += part.eq(byte.data)
                        with m.Case(3):
                            m.d.sync += last[:8].eq(byte.data)
                        with m.Default():
                            m.d.sync += last[8:].eq(byte.data)
                            m.next = "CONTENT"
                    with m.If(byte.last):
                        m.next = "BEGIN"
            with m.State("CONTENT"):
                m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
                with m.If(taken):
                    m.d.sync += address.eq(address + 1)
                    with m.If((address[:16] == last) | byte.last):
                        m.next = "BEGIN"
        return m


def ports(config: Config) -> dict[str, wiring.Member]:
    """The members of an :class:`AxisEngine`."""
    packet = {
        "s_axis_input_tkeep": In(config.input_bits // 8),
        "s_axis_input_tlast": In(1),
    }
    return {
        "aclk": In(1),
        "aresetn": In(1, init=1),
        "s_axis_config_tdata": In(8),
        "s_axis_config_tvalid": In(1),
        "s_axis_config_tready": Out(1),
        "s_axis_config_tlast": In(1),
        "s_axis_input_tdata": In(config.input_bits),
        "s_axis_input_tvalid": In(1),
        "s_axis_input_tready": Out(1),
        **(packet if config.input_width > 1 else {}),
        "m_axis_logits_tdata": Out(32),
        "m_axis_logits_tvalid": Out(1),
        "m_axis_logits_tready": In(1),
        "m_axis_logits_tlast": Out(1),
        "busy": Out(1),
    }


class AxisEngine(wiring.Component):
    """An engine of ``hw.engines`` behind AXI4-Stream ports: the same cycles, the same integers.

    Nothing is added to the path of inputs and logits: latency and interval are those of
    the config's ``schedule``. Names and handshakes follow ARM IHI 0051, with one clock and
    one synchronous reset. Every ``tvalid`` of the engine comes from a register. Nothing checks the
    network: bytes that are none may keep it busy for good, until a reset and a whole network.

    Parameters
    ----------
    config : hw.engines.Config

    Members
    -------
    aclk : the clock.
    aresetn : reset, active low, synchronous; ends what is under way, the memories keep the network.
    s_axis_config_tdata, tvalid, tready, tlast : the network, a byte a beat, in
        ``golden.machine.records``; its content is taken while the engine is idle. ``tlast`` may be
        tied to 0: it ends a record that was cut short.
    s_axis_input_tdata, tvalid, tready : inputs in natural neuron order: a beat is
        ``config.input_width`` neurons, the first one lowest, and of each the uint8 activation in
        each of the images that are inferred together, that of the first image in the low byte. The
        network says how many make an inference.
    s_axis_input_tkeep, tlast : where a beat is more than one neuron. A packet is an inference,
        made as long as one by ``hw.packets.PacketFitter``; a byte whose ``tkeep`` is 0 is 0.
    m_axis_logits_tdata, tvalid, tready, tlast : int32 logits in natural neuron order, image after
        image; ``tlast`` is 1 for the last one of the images that are inferred together.
    busy : an inference is under way.
    """

    def __init__(self, config: Config):
        self._packets = config.input_width > 1
        self.engine = component(config, **({"packets": True} if self._packets else {}))
        self.reader = RecordReader(config)
        super().__init__(ports(config))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.axis = domain = ClockDomain(local=True)
        engine, reader = self.engine, self.reader
        m.submodules.engine = DomainRenamer("axis")(engine)
        m.submodules.reader = DomainRenamer("axis")(reader)
        connect(m, reader.o, engine.write)
        m.d.comb += [
            domain.clk.eq(self.aclk),
            domain.rst.eq(~self.aresetn),
            reader.i.payload.data.eq(self.s_axis_config_tdata),
            reader.i.payload.last.eq(self.s_axis_config_tlast),
            reader.i.valid.eq(self.s_axis_config_tvalid),
            self.s_axis_config_tready.eq(reader.i.ready),
            engine.i.valid.eq(self.s_axis_input_tvalid),
            self.s_axis_input_tready.eq(engine.i.ready),
            self.m_axis_logits_tdata.eq(engine.o.payload.data),
            self.m_axis_logits_tlast.eq(engine.o.payload.last),
            self.m_axis_logits_tvalid.eq(engine.o.valid),
            engine.o.ready.eq(self.m_axis_logits_tready),
            self.busy.eq(engine.busy),
        ]
        if self._packets:
            keep: Any = self.s_axis_input_tkeep
            kept = Cat(bit.replicate(8) for bit in keep)
            m.d.comb += [
                engine.i.payload.data.eq(self.s_axis_input_tdata & kept),
                engine.i.payload.keep.eq(keep.any()),
                engine.i.payload.last.eq(self.s_axis_input_tlast),
            ]
        else:
            m.d.comb += engine.i.payload.eq(self.s_axis_input_tdata)
        return m
