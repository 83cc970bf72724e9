"""The lanes of the backward sweep: from steps to the sums of errors of a row of sources."""

from typing import Any

from amaranth import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..checks import exact_log2
from ..crossbar import XorCrossbar
from ..delay import delay
from .outputs import ERROR16
from .update import PRODUCT_BITS


def back_step(*, lanes: int, depth: int, rows: int) -> data.StructLayout:
    """A step of the backward sweep, where ``valid`` is 1.

    ``weights`` : the row of the high plane; ``errors`` : that of the errors; ``distance`` : D;
    ``first``, ``last`` : it begins, ends a row of sources.
    """
    return data.StructLayout(
        {
            "valid": 1,
            "weights": range(depth),
            "errors": range(rows),
            "distance": exact_log2("lanes", lanes),
            "first": 1,
            "last": 1,
        }
    )


class BackwardLanes(wiring.Component):
    """Multiplies a row of weights with a row of errors, takes the products through the crossbar,
    and sums them in the lanes of their sources, from ``first`` to ``last``.

    Golden twin: the backward sweep of ``golden.learn.sweeps.step``. Free-running. Throughput: one
    step a cycle, rows back to back. Latency: ``latency`` cycles from the last step of a row to
    ``done`` and its sums, which stay for that one cycle. No sum wraps where at most 512 paths begin
    in a neuron (``golden.learn.arithmetic``).

    Parameters
    ----------
    lanes, depth, rows : powers of two: of a row; rows of weights, and of errors, from 2 on.
    registers : stages of the crossbar that end in a register (``hw.crossbar.XorCrossbar``).

    Members
    -------
    step : see :func:`back_step`.
    weights_row, weights : the read port of the high plane, of latency 1.
    errors_row, errors : that of the errors, of latency 1.
    done, sums : a row of sums, of 32 bits.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(self, *, lanes: int, depth: int, rows: int, registers: tuple[int, ...] = ()):
        exact_log2("lanes", lanes)
        exact_log2("depth", depth, minimum=2)
        exact_log2("rows", rows, minimum=2)
        self.crossbar = XorCrossbar(lanes=lanes, shape=signed(PRODUCT_BITS), registers=registers)
        super().__init__(
            {
                "step": In(back_step(lanes=lanes, depth=depth, rows=rows)),
                "weights_row": Out(range(depth)),
                "weights": In(data.ArrayLayout(signed(8), lanes)),
                "errors_row": Out(range(rows)),
                "errors": In(data.ArrayLayout(ERROR16, lanes)),
                "done": Out(1),
                "sums": Out(data.ArrayLayout(signed(32), lanes)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from a row's last step to its sums: memory, multiplier, crossbar, sum."""
        return 1 + 2 + self.crossbar.latency + 1

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.crossbar = crossbar = self.crossbar
        tag = Signal(unsigned(3))
        m.d.comb += [
            self.weights_row.eq(self.step.weights),
            self.errors_row.eq(self.step.errors),
            tag.eq(self.step.valid | self.step.first << 1 | self.step.last << 2),
            crossbar.distance.eq(delay(m, self.step.distance, 3, "distance", reset_less=True)),
        ]
        for lane, product in enumerate(crossbar.i):
            weight = Signal(signed(8), name=f"weight_{lane}", reset_less=True)
            error = Signal(ERROR16, name=f"error_{lane}", reset_less=True)
            found = Signal(signed(PRODUCT_BITS), name=f"product_{lane}", reset_less=True)
            m.d.sync += [
                weight.eq(self.weights[lane]),
                error.eq(self.errors[lane]),
                found.eq(weight * error),
            ]
            m.d.comb += product.eq(found)
        valid, first, last = delay(m, tag, 3 + crossbar.latency, "tag")
        m.d.sync += self.done.eq(valid & last)
        with m.If(valid):
            for total, product in zip(self.sums, crossbar.o, strict=True):
                m.d.sync += total.eq(Mux(first, 0, total) + product)
        return m
