"""The drain of the lanes that learn: from a row of sums to all that becomes of it."""

from typing import Any

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.hdl import ShapeLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..config import ACTIVATION, RESULT
from ..delay import delay
from ..mac import LOW
from ..requantizer import Requantizer
from . import tags
from .biases import BiasMasters
from .config import LearnConfig
from .errors import HiddenErrors
from .outputs import ERROR16, OutputErrors
from .tags import Does
from .update import MASTER, PRODUCT_BITS, MasterUpdate


class GroupShifter(wiring.Component):
    """Captures a row of values and gives it out in groups, value 0 first.

    Throughput: one group a cycle; a row may be captured every ``values / width`` cycles, in the
    cycle of the last group at the earliest. Latency: 1 cycle from ``capture`` to the first group, 2
    where it is ``registered``.

    Members
    -------
    capture, tag, i : take the row ``i`` now; ``tag`` is given back with its groups.
    follows, follows_tag : another group of the row comes in the next cycle, a cycle later where it
        is ``registered``; the row's tag.
    valid, group, o : ``o`` holds the row's ``width`` values from group * width on.
    o_tag, last : the row's tag, and whether this is the row's last group.
    """

    def __init__(
        self, *, values: int, width: int, shape: ShapeLike, tag: ShapeLike, registered: bool = False
    ):
        self._groups, self._registered = values // width, registered
        super().__init__(
            {
                "capture": In(1),
                "tag": In(tag),
                "i": In(data.ArrayLayout(shape, values)),
                "valid": Out(1),
                "group": Out(range(self._groups)),
                "last": Out(1),
                "o_tag": Out(tag),
                "o": Out(data.ArrayLayout(shape, width)),
                "follows": Out(1),
                "follows_tag": Out(tag),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        kept = Signal.like(self.i.as_value(), name="kept", reset_less=True)
        tag = Signal.like(self.o_tag, name="tag_kept", reset_less=True)
        valid = Signal(name="valid_kept")
        group = Signal.like(self.group, name="group_kept")
        last = group == self._groups - 1
        with m.If(self.capture):
            m.d.sync += [kept.eq(self.i.as_value()), tag.eq(self.tag), valid.eq(1), group.eq(0)]
        with m.Elif(valid):
            m.d.sync += [valid.eq(~last), group.eq(group + 1)]
        with m.If(~self.capture & (valid | self._registered)):  # or always: nothing is enabled then
            m.d.sync += kept.eq(kept >> len(self.o.as_value()))
        m.d.comb += [self.follows.eq(valid & ~last), self.follows_tag.eq(tag)]
        m.d["sync" if self._registered else "comb"] += [
            self.o.as_value().eq(kept),
            self.o_tag.eq(tag),
            self.valid.eq(valid),
            self.group.eq(group),
            self.last.eq(last),
        ]
        return m


class LearnDrain(wiring.Component):
    """Gives a row of sums out in groups: they become activations, results, errors, new weights or
    new biases, as the row's tag says.

    Throughput: ``requantizers`` values a cycle. Latency, from a group on: 2 cycles to results and
    to errors of hidden neurons, 3 to new weights and biases, 4 to activations, 5 to errors of
    outputs, one more with ``memory_register``, where there also is one between the row and its
    groups.

    Members
    -------
    write : stream of {address, data}: one byte of the biases; always ready.
    peek, place, word : a group of the biases is read back, as of ``hw.learn.biases``.
    renew : the biases are written back from the first one on. ``renewed`` : they were, and are read
        so; and they are behind the last row of an image's outputs.
    true : the place of the true class, row * lanes + lane, where ``labelled`` is 1.
    capture, sums, active, row : as of ``hw.learn.lanes.LearnLanes``.
    old, new : masters, and what becomes of them; where the weights have one port.
    activation, activation_place, activations, result, result_place, results : as of the ``probe``
        of ``hw.engine.PathEngine``, whose ``sums`` are ``results`` here. ``error``,
        ``error_place``, ``errors`` : of a group of errors, alike.
    done : the last result is written in this cycle.
    """

    def __init__(self, config: LearnConfig) -> None:
        self._config = config
        width, groups = config.requantizers, config.groups
        value = data.StructLayout({"sum": signed(32), "active": 1})
        self.shifter = GroupShifter(
            values=config.lanes,
            width=width,
            shape=value,
            tag=tags.row(config),
            registered=config.memory_register,
        )
        self.biases = BiasMasters(
            neurons=config.bias_neurons, width=width, registered=config.memory_register
        )
        self.requantizer = Requantizer(requantizers=width, accumulator_bits=32)
        self.outputs = OutputErrors(values=width, registered=config.memory_register)
        self.hidden = HiddenErrors(values=width)
        self.update = MasterUpdate(lanes=width)
        biases = self.biases.signature.members
        group = data.ArrayLayout(MASTER, width)
        super().__init__(
            {
                "write": biases["write"],
                "peek": biases["peek"],
                "place": biases["place"],
                "word": biases["o"],
                "renew": In(1),
                "renewed": In(1),
                "labelled": In(1),
                "true": In(range(config.max_outputs)),
                "capture": In(1),
                "sums": In(data.ArrayLayout(signed(32), config.lanes)),
                "active": In(config.lanes),
                "row": In(tags.row(config)),
                **({"old": In(group), "new": Out(group)} if config.ports == 1 else {}),
                "activation": Out(1),
                "activation_place": Out(range(config.rows * groups)),
                "activations": Out(data.ArrayLayout(ACTIVATION, width)),
                "result": Out(1),
                "result_place": Out(range(config.rows * groups)),
                "results": Out(data.ArrayLayout(RESULT, width)),
                "error": Out(1),
                "error_place": Out(range(config.rows * groups)),
                "errors": Out(data.ArrayLayout(ERROR16, width)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for name in (
            *("shifter", "biases", "requantizer"),
            *("outputs", "hidden", "update"),
        ):
            m.submodules[name] = getattr(self, name)
        connect(m, flipped(self.write), self.biases.write)
        shifter = self.shifter
        m.d.comb += [shifter.capture.eq(self.capture), shifter.tag.eq(self.row)]
        for lane, value in enumerate(shifter.i):
            m.d.comb += [value.sum.eq(self.sums[lane]), value.active.eq(self.active[lane])]
        self._connect_biases(m)
        self._connect_forward(m)
        self._connect_errors(m)
        self._connect_update(m)
        return m

    def _connect_biases(self, m: Module) -> None:
        """The biases of forward rows and of their updates, one group after the other."""
        biases, shifter = self.biases, self.shifter

        def wanted(tag):
            return (tag.does == Does.FORWARD) | (tag.does == Does.BIAS)

        m.d.comb += [
            biases.renew.eq(self.renew),
            biases.advance.eq(
                (self.capture & wanted(self.row)) | (shifter.follows & wanted(shifter.follows_tag))
            ),
            biases.peek.eq(self.peek),
            biases.place.eq(self.place),
            self.word.eq(biases.o),
        ]

    def _connect_forward(self, m: Module) -> None:
        """Sums to results and activations, and where they go."""
        shifter, requantizer, config = self.shifter, self.requantizer, self._config
        tag = shifter.o_tag
        half = Signal(1 << 4, reset_less=True)  # of the shift, which rounds
        with m.If(self.capture):  # results are not shifted
            m.d.sync += half.eq(Mux(self.row.output, 0, (1 << self.row.shift[:4]) >> 1))
        half = delay(m, half, config.memory_register, "half", reset_less=True)
        for own, value, bias, total in zip(
            requantizer.i, shifter.o, self.biases.o, requantizer.bias, strict=True
        ):
            late = delay(m, value.sum[LOW:], 1, "late", reset_less=True)
            high = bias.high[:17].as_signed()  # all that is in use
            m.d.comb += [own.eq(Cat(value.sum[:LOW], late)), total.eq(high + half)]
        m.d.comb += [
            requantizer.shift.eq(tag.shift[:4]),  # at most 13
            self.results.eq(requantizer.sums),
            self.activations.eq(requantizer.activations),
        ]
        place = Cat(shifter.group[: (config.groups - 1).bit_length()], tag.row)
        forward = shifter.valid & (tag.does == Does.FORWARD)
        ending = forward & tag.output & tag.closing & shifter.last
        self._soon = delay(m, place, 1, "place", reset_less=True)
        self._sooner = delay(m, self._soon, 1, "sooner_place", reset_less=True)
        self._later = delay(m, self._sooner, 2, "later_place", reset_less=True)
        m.d.comb += [
            self.result_place.eq(self._sooner),
            self.activation_place.eq(self._later),
            self.result.eq(delay(m, forward & tag.output, 2, "result")),
            self.activation.eq(delay(m, forward & ~tag.output, 4, "activation")),
            self.done.eq(delay(m, ending, 2, "done")),
            self.biases.rewind.eq(self.renewed | ending),
        ]

    def _connect_errors(self, m: Module) -> None:
        """Errors of outputs, three cycles behind their results, and of hidden neurons."""
        shifter, outputs, hidden = self.shifter, self.outputs, self.hidden
        width = self._config.requantizers
        digits = width.bit_length() - 1
        group, lane = self.true[digits:], self.true[:digits]
        here = Signal()
        m.d.sync += here.eq(self.labelled & (self._soon[: len(group)] == group))
        true = Cat(here & (lane == number) for number in range(width))
        backward = shifter.valid & (shifter.o_tag.does == Does.BACKWARD)
        output = delay(m, self.result, outputs.latency, "output")
        found = delay(m, backward, hidden.latency, "hidden")
        latest = delay(m, self._later, outputs.latency - 2, "latest_place", reset_less=True)
        m.d.comb += [
            outputs.logits.eq(self.requantizer.sums),
            outputs.true.eq(true),
            outputs.shift.eq(delay(m, shifter.o_tag.shift, 2, "logits", reset_less=True)),
            hidden.sums.eq(Cat(value.sum for value in shifter.o)),
            hidden.active.eq(Cat(value.active for value in shifter.o)),
            self.error.eq(output | found),
            self.error_place.eq(Mux(found, self._sooner, latest)),
            self.errors.eq(Mux(found, hidden.errors, outputs.errors)),
        ]

    def _connect_update(self, m: Module) -> None:
        """Products to new weights and new biases."""
        shifter, update, biases = self.shifter, self.update, self.biases
        tag = shifter.o_tag
        is_bias = tag.does == Does.BIAS
        both = self._config.ports == 1
        for value, old in enumerate(update.masters):
            bias = biases.o[value]
            weight = self.old[value] if both else bias
            m.d.comb += [
                old.low.eq(Mux(is_bias, bias.low, weight.low)),
                old.high.eq(Mux(is_bias, bias.high, weight.high)),
            ]
        m.d.comb += [
            update.products.eq(Cat(value.sum[:PRODUCT_BITS] for value in shifter.o)),
            update.biases.eq(is_bias if both else 1),
            update.shift.eq(tag.shift),
            update.fixed.eq(tag.fixed & ~is_bias if both else 0),
            biases.back.eq(delay(m, shifter.valid & is_bias, update.latency, "back")),
            biases.new.eq(update.o),
        ]
        if both:
            for new, own in zip(self.new, update.o, strict=True):
                m.d.comb += [new.low.eq(own.low), new.high.eq(own.high)]
