"""The sweep: after the last block of a junction, once over its neurons, in natural order.

Every sum gets its bias, is requantized, and becomes an operand of the next junction, in the bank
and row where it stands; those of the last junction leave as logits.
"""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.hdl import Cat
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.machine.model import MAX_SHIFT

from ..config import LOGIT
from ..delay import delay
from ..mac import LOW
from ..requantizer import Requantizer
from .config import PathOrderConfig
from .operands import store


class ErrorRequantizer(wiring.Component):
    """Shifts right and clamps to 16 digits: ``golden.path_order.backward.requantize``.

    The sum contains the rounding constant. Throughput: one a cycle. Latency: 2 cycles from ``i``
    and
    ``shift`` to ``o``. The shift is taken in two steps, by multiples of 8 and by the rest.
    """

    latency = 2

    def __init__(self) -> None:
        super().__init__({"i": In(signed(32)), "shift": In(5), "o": Out(signed(16))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        coarse = Signal(signed(32), reset_less=True)
        fine = delay(m, self.shift[:3], 1, "fine", reset_less=True)
        shifted = Signal(signed(32))
        m.d.sync += coarse.eq(self.i >> Cat(0, 0, 0, self.shift[3:]).as_unsigned())
        m.d.comb += shifted.eq(coarse >> fine)
        fits = shifted[15:].all() | ~shifted[15:].any()
        clamped = Mux(shifted[-1], -(2**15), 2**15 - 1)
        m.d.sync += self.o.eq(Mux(fits, shifted[:16].as_signed(), clamped))
        return m


def probe(config: PathOrderConfig) -> wiring.Signature:
    """What the sweep writes in a cycle; see ``hw.path_order.engine.PathOrderEngine``."""
    return wiring.Signature(
        {
            "activation": Out(1),
            "activation_place": Out(config.address_bits),
            "activations": Out(data.ArrayLayout(config.operand, 1)),
            "result": Out(1),
            "result_place": Out(config.address_bits),
            "sums": Out(data.ArrayLayout(signed(32), 1)),
        }
    )


class Sweep(wiring.Component):
    """Goes over the neurons of a layer once.

    Throughput: an activation a cycle, or a logit every ``spacing`` cycles where none waits.
    Latency:
    ``latency`` cycles from ``go`` to the first operand written, ``logit_latency`` to the first
    logit offered.

    Parameters
    ----------
    config : hw.path_order.config.PathOrderConfig

    Members
    -------
    biases : stream of words of P / 4 biases each, as they stand in the memory of the weights.
    go : begin; what follows holds until ``done``.
    step : from the number of a neuron to that of the next one, 0 for 2**A: the layer has 2**A /
    step
        neurons, whose leading digits are those of the number.
    shift : to the right. ``backward`` : errors: no bias, 16 digits and a sign. ``last`` : logits.
    reading : ``row`` is read of every accumulator bank; ``low``, ``high`` : the halves of what is
        there, 1 and 2 cycles later.
    store : what is written to the operand banks.
    o : stream of {data, last}: logits.
    done : the last operand is written, or the last logit taken, in this cycle.
    probe : what is written, by the number of the neuron in its layer.
    """

    #: From ``go``: a register, the memory, the bias and the requantizer.
    latency = 1 + 1 + Requantizer.latency
    logit_latency = 1 + 1 + Requantizer.sums_latency + 1
    spacing = 1 + Requantizer.sums_latency + 2

    def __init__(self, config: PathOrderConfig) -> None:
        self._config = config
        self.requantizer = Requantizer(requantizers=1, accumulator_bits=config.accumulator_bits)
        self.errors = ErrorRequantizer() if config.backward else None
        low = data.ArrayLayout(LOW, config.lanes)
        high = data.ArrayLayout(config.accumulator_bits - LOW, config.lanes)
        super().__init__(
            {
                "biases": In(stream.Signature(data.ArrayLayout(signed(32), config.lanes // 4))),
                "go": In(1),
                "step": In(config.address_bits),
                "shift": In(5),
                "backward": In(1),
                "last": In(1),
                "reading": Out(1),
                "row": Out(config.row_bits),
                "low": In(low),
                "high": In(high),
                "store": Out(store(config)),
                "o": Out(stream.Signature(LOGIT)),
                "done": Out(1),
                "probe": Out(probe(config)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.requantizer = requantizer = self.requantizer
        begun = self._count(m)
        self._add(m, begun)
        summed = delay(m, begun, 1 + requantizer.sums_latency, "summed")
        written = delay(m, summed, requantizer.latency - requantizer.sums_latency, "written")
        self._store(m, written)
        self._offer(m, summed)
        left = self.o.valid & self.o.ready & self.o.payload.last
        m.d.comb += [
            self.done.eq(Mux(self.last, left, written.valid & written.ends)),
            self.probe.activation.eq(self.store.enable),
            self.probe.activation_place.eq(written.number),
            self.probe.activations[0].eq(self.store.data),
            self.probe.result.eq(summed.valid & self.last),
            self.probe.result_place.eq(summed.number),
            self.probe.sums[0].eq(requantizer.sums[0]),
        ]
        return m

    def _count(self, m):
        """The neurons one after the other: their row is read, and the tag goes with the sum."""
        bits = self._config.address_bits
        running = Signal()
        flying = Signal()  # a logit that has not been taken yet
        neuron = Signal(bits, reset_less=True)
        number = Signal(bits, reset_less=True)
        following = Signal(bits)
        begun = Signal(data.StructLayout({"valid": 1, "ends": 1, "neuron": bits, "number": bits}))
        m.d.comb += [
            following.eq(neuron + self.step),
            begun.valid.eq(running & ~flying),
            begun.ends.eq(following == 0),
            begun.neuron.eq(neuron),
            begun.number.eq(number),
            self.reading.eq(running),
            self.row.eq(neuron[: self._config.row_bits]),
        ]
        with m.If(self.go):
            m.d.sync += [running.eq(1), neuron.eq(0), number.eq(0)]
        with m.Elif(begun.valid):
            m.d.sync += [neuron.eq(following), number.eq(number + 1), running.eq(~begun.ends)]
        with m.If(begun.valid & self.last):
            m.d.sync += flying.eq(1)
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += flying.eq(0)
        return begun

    def _add(self, m, begun):
        """Sum and bias, or in its place the rounding constant, to the requantizer."""
        requantizer, per_word = self.requantizer, len(self.biases.payload)
        bank = delay(m, begun.neuron[self._config.row_bits :], 1, "bank", reset_less=True)
        late = delay(m, bank, 1, "bank_high", reset_less=True)
        place = begun.number[: (per_word - 1).bit_length()]
        place = delay(m, place, 1, "place", reset_less=True)
        wanted = delay(m, begun.valid, 1, "wanted")
        bias = self.biases.payload.as_value().word_select(place, 32).as_signed()
        if self._config.backward:
            half = Signal(signed(32))
            with m.Switch(self.shift):
                for shift in range(1, MAX_SHIFT + 1):
                    with m.Case(shift):
                        m.d.comb += half.eq(1 << shift - 1)
            bias = Mux(self.backward, half, bias)
        low = self.low.as_value().word_select(bank, LOW)
        high = self.high.as_value().word_select(late, len(self.high[0]))
        m.d.comb += [
            self.biases.ready.eq(wanted & (place == per_word - 1)),
            requantizer.i[0].eq(Cat(low, high).as_signed()),
            requantizer.bias[0].eq(bias),
            requantizer.shift.eq(self.shift),
        ]

    def _store(self, m, written):
        """An activation, or an error, to the operand banks."""
        activation = self.requantizer.activations[0]
        if self.errors is not None:
            m.submodules.errors = errors = self.errors
            m.d.comb += [errors.i.eq(self.requantizer.sums[0]), errors.shift.eq(self.shift)]
            activation = Mux(self.backward, errors.o, activation)
        m.d.comb += [
            self.store.enable.eq(written.valid & ~self.last),
            self.store.address.eq(written.neuron),
            self.store.data.eq(activation),
        ]

    def _offer(self, m, summed):
        """A logit to the output, where it waits."""
        offered = Signal(LOGIT, reset_less=True)
        m.d.comb += self.o.payload.eq(offered)
        with m.If(summed.valid & self.last):
            m.d.sync += [
                self.o.valid.eq(1),
                offered.data.eq(self.requantizer.sums[0]),
                offered.last.eq(summed.ends),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
