"""The write-back: where the values at the end of the pipeline go, and when an inference is done."""

from typing import Any

from amaranth import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from . import tags
from .config import EngineConfig
from .delay import delay
from .requantizer import Requantizer


class WriteBack(wiring.Component):
    """Keeps each group's place until its values have left the requantizer.

    Members
    -------
    group : the tag of the group that goes into the requantizer.
    result, result_place : write the requantizer's sums, ``Requantizer.sums_latency`` cycles later.
    activation, activation_place : write its activations, ``Requantizer.latency`` cycles later.
    done : the last group of the last result is written in this cycle.

    A place is row * groups + group.
    """

    def __init__(self, config: EngineConfig) -> None:
        self._group_bits = (config.groups - 1).bit_length()
        place = range(config.rows * config.groups)
        super().__init__(
            {
                "group": In(tags.group(config)),
                "result": Out(1),
                "result_place": Out(place),
                "activation": Out(1),
                "activation_place": Out(place),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        group, latency, sums = self.group, Requantizer.latency, Requantizer.sums_latency
        place = Cat(group.number[: self._group_bits], group.row.row)
        leaving = group.valid & group.row.output  # a group of results
        ending = group.last & group.row.closing
        result_place = delay(m, place, sums, "place", reset_less=True)
        m.d.comb += [
            self.result_place.eq(result_place),
            self.activation_place.eq(
                delay(m, result_place, latency - sums, "later_place", reset_less=True)
            ),
            self.result.eq(delay(m, leaving, sums, "result")),
            self.done.eq(delay(m, leaving & ending, sums, "done")),
            self.activation.eq(delay(m, group.valid & ~leaving, latency, "hidden")),
        ]
        return m
