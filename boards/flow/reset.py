"""The check that a synthesized design still has its power-on reset, and obeys it.

A domain that nothing resets synthesizes as well, and works in every simulation that starts in
order. Amaranth adds a reset to the domain that it makes itself, but to no other, without a word.
"""

import json
import re
from pathlib import Path

from ..gateware import clocking
from ..gateware.top import TIMER
from .tools import BuildError

PASSES = re.compile("LUT|CARRY|CCU2C|MUX|ALU|GB")  # cells whose outputs follow their inputs


def check(netlist: Path, *, clock_hz: float) -> None:
    """Check Yosys' JSON file ``netlist`` of a ``boards.gateware.top.Top`` on a clock in hertz.

    Every digit of the power-on timer must be a flip-flop, and the last one, which ends the reset,
    must reach flip-flops of the rest. Raises ``BuildError``.
    """
    module = json.loads(netlist.read_text())["modules"]["top"]
    cells = [_ports(cell) for cell in module["cells"].values()]
    timer = set(module["netnames"].get(TIMER, {"bits": []})["bits"])
    own = [kind for kind, _, outputs in cells if "FF" in kind and outputs & timer]
    digits = clocking.reset_cycles(clock_hz).bit_length()
    if len(own) != digits:
        raise BuildError(
            f"the power-on reset must have a timer of {digits} flip-flops, not {len(own)}: "
            f"the design would start before its memories do ({netlist})"
        )
    if not _reached(cells, module["netnames"][TIMER]["bits"][-1], timer):
        raise BuildError(
            "the power-on reset must reach the flip-flops of the design, but does not: "
            f"it would start before its memories do ({netlist})"
        )


def _ports(cell):
    """A cell's type, and the bits of its inputs and of its outputs."""
    bits = {"input": set(), "output": set(), "inout": set()}
    for port, connected in cell["connections"].items():
        bits[cell["port_directions"][port]].update(connected)
    return cell["type"], bits["input"], bits["output"]


def _reached(cells, start, timer):
    """How many flip-flops but the timer's have an input that follows ``start`` at once."""
    following, grown = {start}, True
    while grown:
        before = len(following)
        for kind, inputs, outputs in cells:
            if PASSES.search(kind) and inputs & following:
                following |= outputs
        grown = len(following) > before
    return sum(
        "FF" in kind and bool(inputs & following) and not outputs & timer
        for kind, inputs, outputs in cells
    )
