"""The activation memory: one memory a row wide, two layers deep."""

from typing import Any

from amaranth import Module, unsigned
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

    Throughput: one read and one write a cycle. ``row`` is the row at ``read_row`` ``latency``
    cycles before, as it was written up to the cycle before that; unused values of ``data``
    are ignored.

    Parameters
    ----------
    values, rows : powers of two.
    width : values written together.
    registered : a register behind the memory, for a faster clock.

    Members
    -------
    read_row, row : the read port.
    write, write_row, write_values, data : the write port: where ``write`` is 1, value t of the row
        takes data[t % width] if bit t of ``write_values`` is 1.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(self, *, values: int, rows: int, width: int = 1, registered: bool = False):
        exact_log2("values", values)
        exact_log2("rows", rows, minimum=2)
        exact_log2("width", width)
        if width > values:
            raise ValueError(f"width must be at most values, {values}, not {width!r}")
        self._rows, self._registered = rows, bool(registered)
        self._row = data.ArrayLayout(unsigned(8), values)
        super().__init__(
            {
                "read_row": In(range(rows)),
                "row": Out(self._row),
                "write": In(1),
                "write_row": In(range(rows)),
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
        m.submodules.memory = memory = Memory(shape=self._row, depth=self._rows, init=[])
        read = memory.read_port()
        write = memory.write_port(granularity=1)
        copies = len(self.row.as_value()) // len(self.data.as_value())
        m.d.comb += [
            read.addr.eq(self.read_row),
            self.row.eq(delay(m, read.data, self.latency - 1, "row", reset_less=True)),
            write.addr.eq(self.write_row),
            write.data.eq(self.data.as_value().replicate(copies)),
        ]
        with m.If(self.write):
            m.d.comb += write.en.eq(self.write_values)
        return m
