"""The activation memory: one memory a row wide, two layers deep."""

from typing import Any

from amaranth import Cat, Module, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .checks import exact_log2
from .delay import delay


def mirrored(row: Any, half: Any) -> Value:
    """``row`` of the activation memory, or where ``half`` is 1 its place in the other half."""
    return row ^ (half << len(row) - 1)


class ActivationMemory(wiring.Component):
    """Rows of ``values`` activations: a whole row is read, a group of ``width`` is written.

    It is as many memories as ``banks``, side by side, each of which has its own row to write.
    Throughput: one read and one write a cycle. ``row`` is the row at ``read_row`` ``latency``
    cycles before, as it was written up to the cycle before that; unused values of ``data``
    are ignored.

    Parameters
    ----------
    values, rows : powers of two.
    width : values written together.
    banks : powers of two, at most values / item: value v is in bank v // item % banks.
    item : values of a neuron, which are in one bank.
    registered : a register behind the memory, for a faster clock.

    Members
    -------
    read_row, row : the read port.
    write, write_row, write_values, data : the write port: where ``write`` is 1, value t of its
        bank's row takes data[t % width] if bit t of ``write_values`` is 1. ``write_row`` has a row
        for each bank, that of bank 0 lowest.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(
        self,
        *,
        values: int,
        rows: int,
        width: int = 1,
        banks: int = 1,
        item: int = 1,
        registered: bool = False,
    ):
        exact_log2("values", values)
        exact_log2("rows", rows, minimum=2)
        exact_log2("width", width)
        if width > values:
            raise ValueError(f"width must be at most values, {values}, not {width!r}")
        exact_log2("banks", banks)
        exact_log2("item", item)
        if banks * item > values:
            raise ValueError(
                f"banks must be at most values / item, {values // item}, not {banks!r}"
            )
        self._banks = [
            [value for value in range(values) if value // item % banks == bank]
            for bank in range(banks)
        ]
        self._rows, self._registered = rows, bool(registered)
        self._row = data.ArrayLayout(unsigned(8), values)
        super().__init__(
            {
                "read_row": In(range(rows)),
                "row": Out(self._row),
                "write": In(1),
                "write_row": In(banks * exact_log2("rows", rows)),
                "write_values": In(values),
                "data": In(data.ArrayLayout(unsigned(8), width)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from ``read_row`` to ``row``."""
        return 1 + self._registered

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        ports, row = [], {}
        for bank, values in enumerate(self._banks):
            shape = data.ArrayLayout(unsigned(8), len(values))
            memory = Memory(shape=shape, depth=self._rows, init=[])
            m.submodules["memory" if len(self._banks) == 1 else f"memory_{bank}"] = memory
            read = memory.read_port()
            write = memory.write_port(granularity=1)
            row |= {value: read.data[place] for place, value in enumerate(values)}
            ports.append((values, read, write))
        whole = Cat(row[value] for value in range(len(row)))
        m.d.comb += [read.addr.eq(self.read_row) for _, read, _ in ports]
        m.d.comb += self.row.eq(delay(m, whole, self.latency - 1, "row", reset_less=True))
        for bank, (values, _, write) in enumerate(ports):
            m.d.comb += [
                write.addr.eq(self.write_row.word_select(bank, len(self.read_row))),
                write.data.eq(Cat(self.data[value % len(self.data)] for value in values)),
            ]
            with m.If(self.write):
                m.d.comb += write.en.eq(Cat(self.write_values[value] for value in values))
        return m
