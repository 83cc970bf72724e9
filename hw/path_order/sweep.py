"""The sweep: after the last block of a junction, once over its neurons, in natural order.

Every sum gets its bias, is requantized, and becomes an operand of the next junction, in the bank
and row where it stands; those of the last junction leave as logits.
"""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.hdl import Cat
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

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
    there,
        1 and 2 cycles later.
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
        config, address_bits = self._config, self._config.address_bits
        m.submodules.requantizer = requantizer = self.requantizer
        running = Signal()
        flying = Signal()  # a logit that has not been taken yet
        issue = Signal()
        neuron = Signal(address_bits, reset_less=True)
        number = Signal(address_bits, reset_less=True)
        following = Signal(address_bits)
        ends = Signal()
        m.d.comb += [
            following.eq(neuron + self.step),
            ends.eq(following == 0),
            issue.eq(running & ~flying),
            self.reading.eq(running),
            self.row.eq(neuron[: config.row_bits]),
        ]
        with m.If(self.go):
            m.d.sync += [running.eq(1), neuron.eq(0), number.eq(0)]
        with m.Elif(issue):
            m.d.sync += [neuron.eq(following), number.eq(number + 1), running.eq(~ends)]

        bank = delay(m, neuron[config.row_bits :], 1, "bank", reset_less=True)
        late = delay(m, bank, 1, "bank_high", reset_less=True)
        per_word = range(config.lanes // 4)
        place = delay(m, number[: (len(per_word) - 1).bit_length()], 1, "place", reset_less=True)
        bias = self.biases.payload.as_value().word_select(place, 32).as_signed()
        wanted = delay(m, issue, 1, "wanted")
        m.d.comb += self.biases.ready.eq(wanted & (place == len(per_word) - 1))
        half = Signal(signed(32))
        with m.Switch(self.shift):
            for shift in range(1, 25):
                with m.Case(shift):
                    m.d.comb += half.eq(1 << shift - 1)
        m.d.comb += [
            requantizer.i[0].eq(
                Cat(
                    self.low.as_value().word_select(bank, LOW),
                    self.high.as_value().word_select(late, len(self.high[0])),
                ).as_signed()
            ),
            requantizer.bias[0].eq(Mux(self.backward, half, bias) if config.backward else bias),
            requantizer.shift.eq(self.shift),
        ]
        tag = data.StructLayout(
            {"valid": 1, "ends": 1, "neuron": address_bits, "number": address_bits}
        )
        begun = Signal(tag)
        m.d.comb += [
            begun.valid.eq(issue),
            begun.ends.eq(ends),
            begun.neuron.eq(neuron),
            begun.number.eq(number),
        ]
        summed = delay(m, begun, 1 + requantizer.sums_latency, "summed")
        written = delay(m, summed, requantizer.latency - requantizer.sums_latency, "written")
        activation = requantizer.activations[0]
        if self.errors is not None:
            m.submodules.errors = errors = self.errors
            m.d.comb += [
                errors.i.eq(requantizer.sums[0]),
                errors.shift.eq(self.shift),
            ]
            activation = Mux(self.backward, errors.o, activation)
        m.d.comb += [
            self.store.enable.eq(written.valid & ~self.last),
            self.store.address.eq(written.neuron),
            self.store.data.eq(activation),
            self.done.eq(
                Mux(
                    self.last,
                    self.o.valid & self.o.ready & self.o.payload.last,
                    written.valid & written.ends,
                )
            ),
        ]
        offered = Signal(LOGIT, reset_less=True)
        m.d.comb += self.o.payload.eq(offered)
        taken = self.o.valid & self.o.ready
        with m.If(summed.valid & self.last):
            m.d.sync += [
                self.o.valid.eq(1),
                offered.data.eq(requantizer.sums[0]),
                offered.last.eq(summed.ends),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(issue & self.last):
            m.d.sync += flying.eq(1)
        with m.Elif(taken):
            m.d.sync += flying.eq(0)
        m.d.comb += [
            self.probe.activation.eq(self.store.enable),
            self.probe.activation_place.eq(written.number),
            self.probe.activations[0].eq(self.store.data),
            self.probe.result.eq(summed.valid & self.last),
            self.probe.result_place.eq(summed.number),
            self.probe.sums[0].eq(requantizer.sums[0]),
        ]
        return m
