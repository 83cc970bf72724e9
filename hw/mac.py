"""The multiply-accumulate lanes: one product a lane and cycle, summed over a neuron's paths."""

from amaranth import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .checks import exact_log2
from .delay import delay


class Multiplier(wiring.Component):
    """``product`` is ``weight`` times ``activation`` of 2 cycles before: portable form.

    An input and an output register, free-running. The product of an int8 and a uint8 always fits
    16 bits: -128 * 255 = -32,640 to 127 * 255 = 32,385.
    """

    latency = 2
    weight: In(signed(8))
    activation: In(unsigned(8))
    product: Out(signed(16))

    def elaborate(self, platform):
        m = Module()
        weight = Signal.like(self.weight, reset_less=True)
        activation = Signal.like(self.activation, reset_less=True)
        product = Signal.like(self.product, reset_less=True)
        m.d.sync += [
            weight.eq(self.weight),
            activation.eq(self.activation),
            product.eq(weight * activation),
        ]
        m.d.comb += self.product.eq(product)
        return m


class MacLanes(wiring.Component):
    """``lanes`` accumulators that each sum weight times activation from ``first`` to ``last``.

    Golden twin: the sums of products per neuron in ``golden.engine``. Throughput: one product a
    lane and cycle, rows back to back. Latency: ``done`` and the sums come ``latency`` cycles
    after the products' last operands and stay for that one cycle.

    Parameters
    ----------
    lanes : a power of two.
    accumulator_bits : wide enough for every sum; nothing checks it here: see
        ``hw.config.EngineConfig.accumulator_bits`` for the proof.
    multiplier : makes one lane's multiplier; see :class:`Multiplier`.

    Members
    -------
    valid : operands are there; ``first``, ``last`` : they begin, end a row.
    weights, activations : the operands, one of each a lane.
    done : ``accumulators`` are the sums of a whole row.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(self, *, lanes, accumulator_bits, multiplier=Multiplier):
        exact_log2("lanes", lanes)
        if not isinstance(accumulator_bits, int) or accumulator_bits < 16:
            raise ValueError(f"accumulator_bits must be at least 16, not {accumulator_bits!r}")
        self._multipliers = [multiplier() for _ in range(lanes)]
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                "weights": In(data.ArrayLayout(signed(8), lanes)),
                "activations": In(data.ArrayLayout(unsigned(8), lanes)),
                "done": Out(1),
                "accumulators": Out(data.ArrayLayout(signed(accumulator_bits), lanes)),
            }
        )

    @property
    def latency(self):
        """Cycles from the last operands of a row to its sums."""
        return self._multipliers[0].latency + 1

    def elaborate(self, platform):
        m = Module()
        valid, first, last = (
            delay(m, signal, self.latency - 1, name)
            for signal, name in ((self.valid, "valid"), (self.first, "first"), (self.last, "last"))
        )
        m.d.sync += self.done.eq(valid & last)
        for lane, multiplier in enumerate(self._multipliers):
            m.submodules[f"multiplier_{lane}"] = multiplier
            accumulator = self.accumulators[lane]
            m.d.comb += [
                multiplier.weight.eq(self.weights[lane]),
                multiplier.activation.eq(self.activations[lane]),
            ]
            with m.If(valid):
                # The sum is chosen after the adder: one LUT a bit holds both on the iCE40.
                total = accumulator + multiplier.product
                m.d.sync += accumulator.eq(Mux(first, multiplier.product, total))
        return m
