"""The placed and routed design, as nextpnr's ``--write`` has it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

#: The name of a place (BEL): X and Y of its tile, and what it is there. nextpnr-ice40 and -ecp5
#: write a slash between X and Y, himbaechel none.
PLACE = re.compile(r"X(\d+)/?Y(\d+)/(.+)")


@dataclass(frozen=True)
class Cell:
    """A cell: its name and type, its place (BEL) or ``None``, and its nets as bits of the netlist.

    ``instance`` : the names of the instances that it is in and its own, outermost first; empty for
    a cell that a tool made.
    """

    name: str
    type: str
    place: str | None
    instance: tuple
    inputs: dict
    outputs: dict


class Netlist:
    """The cells of a file in nextpnr's JSON.

    Members: ``cells``, a list of :class:`Cell`; ``nets``, bit -> name of the net.
    """

    def __init__(self, path: Path):
        module = json.loads(path.read_text())["modules"]["top"]
        self.cells = [_cell(name, entry) for name, entry in module["cells"].items()]
        self.nets = {
            bit: name for name, entry in module["netnames"].items() for bit in entry["bits"]
        }

    def pairs(self) -> list[tuple[str, str]]:
        """The names of the two cells of every net that has no other."""
        ends = {}
        for cell in self.cells:
            for bit in {*cell.inputs.values(), *cell.outputs.values()}:
                ends.setdefault(bit, []).append(cell.name)
        return [tuple(names) for names in ends.values() if len(names) == 2]


def _cell(name, entry):
    ports = {"input": {}, "output": {}}
    for port, bits in entry["connections"].items():
        direction = entry["port_directions"].get(port)
        if bits and direction in ports:
            ports[direction][port] = bits[0]
    attributes = entry["attributes"]
    instance = tuple(attributes.get("hdlname", "").split())
    place = attributes.get("NEXTPNR_BEL")
    return Cell(name, entry["type"], place, instance, ports["input"], ports["output"])


def position(place: str | None) -> tuple[int, int, str] | None:
    """(X, Y, the rest) of a place's name, or ``None`` where it has no coordinates."""
    found = PLACE.fullmatch(place or "")
    return found and (int(found[1]), int(found[2]), found[3])
