"""The crossbar of the path-order engine: any permutation of P words, steered by bank numbers.

Of a block's P paths every one meets a bank of its own. So the banks are a permutation of the lanes,
and the crossbar has P multiplexers of P inputs. (Where neurons have the coordinates of
``golden.machine.lanes`` it is ``hw.crossbar``: log2(P) stages of multiplexers of two inputs.)
"""

from functools import reduce
from operator import or_
from typing import Any

from amaranth import Module, Mux
from amaranth.hdl import Cat, ShapeLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..checks import exact_log2


class BankCrossbar(wiring.Component):
    """``o[t] = i[select[t]]``: word t of the output is the word that is asked for. No latency.

    Golden twin: ``word[select]``. Throughput: one word of ``lanes`` items a cycle.

    Parameters: ``lanes``, a power of two; ``shape``, that of an item. Raises ``TypeError`` or
    ``ValueError`` where ``lanes`` is none.
    """

    def __init__(self, *, lanes: int, shape: ShapeLike) -> None:
        bits = exact_log2("lanes", lanes)
        word = data.ArrayLayout(shape, lanes)
        super().__init__(
            {"i": In(word), "select": In(data.ArrayLayout(bits, lanes)), "o": Out(word)}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for own, select in zip(self.o, self.select, strict=True):
            items = list(self.i)
            for digit in select:  # the lowest first: halves the items that may be meant
                items = [
                    Mux(digit, odd, even) for even, odd in zip(*[iter(items)] * 2, strict=True)
                ]
            m.d.comb += own.eq(items[0])
        return m


class InversePermutation(wiring.Component):
    """``o[banks[j]] = j``: the lane that meets each bank. No latency.

    Golden twin: ``numpy.argsort(banks)``. ``banks`` must be a permutation; else ``o`` is undefined.

    Parameters: ``lanes``, a power of two. Raises as :class:`BankCrossbar` does.
    """

    def __init__(self, *, lanes: int) -> None:
        bits = exact_log2("lanes", lanes)
        permutation = data.ArrayLayout(bits, lanes)
        super().__init__({"banks": In(permutation), "o": Out(permutation)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes = len(self.o)
        for bank in range(lanes):
            met = [self.banks[lane] == bank for lane in range(lanes)]
            digits = [
                reduce(or_, (met[lane] for lane in range(lanes) if lane >> digit & 1))
                for digit in range((lanes - 1).bit_length())
            ]
            m.d.comb += self.o[bank].eq(Cat(digits))
        return m
