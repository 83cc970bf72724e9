"""The tags: what is known of a step, of a row of sums and of a group, and travels beside its data.

A step's tag is made where the step is issued, and goes through memory, crossbar and lanes with its
operands; from a row's last step on, the row's goes with its sums, and that of a group with its
values until they are written.
"""

from amaranth.lib import data

from .config import ACTIVATION, HEADER, EngineConfig

#: Of a step. ``valid`` : there is one; nothing else counts without. ``first``, ``last`` : it
#: begins, ends a row. ``begins`` : it is its junction's first, and valid. ``opening``, ``closing``
#: : it ends its junction's first, last row.
STEP = data.StructLayout(
    {"valid": 1, "first": 1, "last": 1, "begins": 1, "opening": 1, "closing": 1}
)


def issue(config: EngineConfig) -> data.StructLayout:
    """A step where it is issued: the source row and D that it reads, and its tag."""
    return data.StructLayout(
        {"row": range(config.rows), "distance": config.lane_bits, "step": STEP}
    )


def junction(config: EngineConfig) -> data.StructLayout:
    """Of the junction in hand: its header, its target's first row, the half that it runs in."""
    return data.StructLayout({"header": HEADER, "base": range(config.rows), "half": 1})


def row(config: EngineConfig) -> data.StructLayout:
    """Of a row of sums: where it goes, its shift, whether it is of the last junction (``output``),
    and whether it is its junction's last (``closing``)."""
    return data.StructLayout({"row": range(config.rows), "shift": 5, "output": 1, "closing": 1})


def group(config: EngineConfig) -> data.StructLayout:
    """Of a group of a row's values: whether there is one, its number, whether it is the row's
    last."""
    return data.StructLayout(
        {"valid": 1, "number": range(config.groups), "last": 1, "row": row(config)}
    )


def store(config: EngineConfig) -> data.StructLayout:
    """What is written to the activation memory: where ``enable`` is 1, value t of its bank's row
    takes data[t % config.store_values] if bit t of ``values`` is 1. A bank has the lanes that are
    equal modulo ``config.input_width``; ``row`` has a row for each, that of bank 0 lowest."""
    rows = config.row_bits * config.input_width
    values = data.ArrayLayout(ACTIVATION, config.store_values)
    return data.StructLayout({"enable": 1, "row": rows, "values": config.values, "data": values})
