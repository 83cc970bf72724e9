"""The multiply-accumulate lanes: one product a lane and cycle, summed over a neuron's paths."""

from collections.abc import Callable
from typing import Any

from amaranth import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .checks import exact_log2
from .delay import delay
from .tags import STEP

LOW = 16  # digits of a sum that are added first; the others follow a cycle later: a shorter carry


def multiplier_ports(images: int) -> dict[str, wiring.Member]:
    """The ports of a multiplier of one weight with the activations of ``images`` images."""
    return {
        "weight": In(signed(8)),
        "activations": In(data.ArrayLayout(unsigned(8), images)),
        "products": Out(data.ArrayLayout(signed(16), images)),
    }


class Multiplier(wiring.Component):
    """``products`` are ``weight`` times each of ``activations`` of 2 cycles before: portable form.

    An input and an output register, free-running. The product of an int8 and a uint8 always fits
    16 bits: -128 * 255 = -32,640 to 127 * 255 = 32,385.

    Parameters: ``images``, how many activations there are.
    """

    latency = 2

    def __init__(self, *, images: int = 1):
        super().__init__(multiplier_ports(images))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        weight = Signal.like(self.weight, reset_less=True)
        m.d.sync += weight.eq(self.weight)
        for image, output in enumerate(self.products):
            activation = Signal(8, name=f"activation_{image}", reset_less=True)
            product = Signal(signed(16), name=f"product_{image}", reset_less=True)
            m.d.sync += [
                activation.eq(self.activations[image]),
                product.eq(weight * activation),
            ]
            m.d.comb += output.eq(product)
        return m


class MacLanes(wiring.Component):
    """An accumulator a lane and image that sums weight times activation from ``first`` to ``last``.

    Golden twin: the sums of products per neuron in ``golden.machine.engine``. Throughput: one
    product an accumulator and cycle, rows back to back. Latency: ``done`` and the low ``LOW``
    digits of the sums come ``latency`` cycles after the products' last operands and stay for that
    one cycle, the other digits in the cycle after.

    Parameters
    ----------
    lanes, images : powers of two; each weight meets the activations of all images.
    accumulator_bits : wide enough for every sum; nothing checks it here: see
        ``hw.config.EngineConfig.accumulator_bits`` for the proof.
    registered : a register behind the multipliers, for a faster clock.
    multiplier : makes one lane's multiplier; see :class:`Multiplier`.

    Members
    -------
    tag : that of the step whose operands are there.
    weights, activations : the operands, one weight a lane; the activation of a lane and image, and
        its sum, are number lane * images + image.
    ahead, o_tag : the tag of ``latency`` cycles before, and in ``ahead`` that of the next cycle.
    done : ``accumulators`` are the sums of a whole row, ``o_tag`` its last step's tag.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(
        self,
        *,
        lanes: int,
        accumulator_bits: int,
        images: int = 1,
        registered: bool = False,
        multiplier: Callable[..., Any] = Multiplier,
    ):
        exact_log2("lanes", lanes)
        exact_log2("images", images)
        self._images, self._registered = images, registered
        if not isinstance(accumulator_bits, int) or accumulator_bits <= LOW:
            raise ValueError(
                f"accumulator_bits must be at least {LOW + 1}, not {accumulator_bits!r}"
            )
        self._multipliers = [multiplier(images=images) for _ in range(lanes)]
        super().__init__(
            {
                "tag": In(STEP),
                "weights": In(data.ArrayLayout(signed(8), lanes)),
                "activations": In(data.ArrayLayout(unsigned(8), lanes * images)),
                "ahead": Out(STEP),
                "o_tag": Out(STEP),
                "done": Out(1),
                "accumulators": Out(data.ArrayLayout(signed(accumulator_bits), lanes * images)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from the last operands of a row to its sums."""
        return self._multipliers[0].latency + self._registered + 1

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.ahead.eq(delay(m, self.tag, self.latency - 1, "tag"))
        m.d.sync += [
            self.o_tag.eq(self.ahead),
            self.done.eq(self.ahead.valid & self.ahead.last),
        ]
        control = self.ahead.valid, self.ahead.first, self.o_tag.valid, self.o_tag.first
        for lane, multiplier in enumerate(self._multipliers):
            m.submodules[f"multiplier_{lane}"] = multiplier
            part = slice(lane * self._images, (lane + 1) * self._images)
            m.d.comb += multiplier.weight.eq(self.weights[lane])
            for own, activation in zip(multiplier.activations, self.activations[part], strict=True):
                m.d.comb += own.eq(activation)
            for product, total in zip(multiplier.products, self.accumulators[part], strict=True):
                product = delay(m, product, self._registered, f"product_{lane}", reset_less=True)
                m.d.comb += total.eq(_accumulate(m, control, product, len(total), f"_{lane}"))
        return m


def _accumulate(m, control, product, bits, name):
    """The sum of the products, of ``bits`` digits: its high digits a cycle late."""
    valid, first, valid_high, first_high = control
    low = Signal(LOW, name=f"low{name}", reset_less=True)
    carry = Signal(name=f"carry{name}", reset_less=True)
    negative = Signal(name=f"negative{name}", reset_less=True)
    high = Signal(bits - LOW, name=f"high{name}", reset_less=True)
    total = low + product.as_unsigned()
    with m.If(valid):
        # What a row begins with is chosen after the adder: one LUT a bit holds both on the iCE40.
        m.d.sync += [
            low.eq(Mux(first, product, total)),
            # Of a first product no carry is taken; that it is 0 there packs better on the iCE40.
            carry.eq(~first & total[LOW]),
            negative.eq(product[-1]),
        ]
    sign = negative.replicate(len(high))
    with m.If(valid_high):  # the carry enters below: 1 + carry
        m.d.sync += high.eq(Mux(first_high, sign, (Cat(1, high) + Cat(carry, sign))[1:]))
    return Cat(low, high)
