"""What each part of our hierarchy takes of the device: every placed cell counted once."""

from collections.abc import Iterable, Mapping

from ..flow.netlist import Cell, Netlist
from .hierarchy import Hierarchy, plain

DEPTH = 5  # levels of the hierarchy that are told apart: core.port.engine.lanes.mac
UNKNOWN = "not attributed"
TOP = "top"


def part_of(cell: Cell, netlist: Netlist, hierarchy: Hierarchy) -> str | None:
    """The part of the hierarchy that a cell belongs to, ``None`` where nothing tells.

    An instance of ours is where we put it. Any other cell is in the part that drives the signal
    that it drives; where no signal of ours is left of that, which is so of most logic, in the part
    that drives the nearest signal, by whose name the tools call it.
    """
    if cell.instance:
        return ".".join(cell.instance[:-1])
    outputs = [netlist.nets.get(bit, "") for bit in cell.outputs.values()]
    inputs = [netlist.nets.get(bit, "") for bit in cell.inputs.values()]
    ways = [(hierarchy.signal, outputs), (hierarchy.nearest, [cell.name, *outputs, *inputs])]
    found = (find(name) for find, names in ways for name in names)
    return next((place[0] for place in found if place is not None), None)


def group(part: str | None) -> str:
    """The line of the table that a part is counted in."""
    if part is None:
        return UNKNOWN
    return plain(".".join(part.split(".")[:DEPTH])) or TOP


def place_cells(
    netlist: Netlist, hierarchy: Hierarchy, kinds: Mapping[str, Iterable[str]]
) -> dict[str, dict[str, list]]:
    """Places of all cells of the ``kinds``, names -> their types: {line: {kind: [place]}}.

    The lines are in the order of their names, what is not attributed last.
    """
    ours, found = {each: name for name, types in kinds.items() for each in types}, {}
    owners = {cell.name: part_of(cell, netlist, hierarchy) for cell in netlist.cells}
    _adopt(owners, netlist)
    for cell in netlist.cells:
        if cell.type in ours:
            line = found.setdefault(group(owners[cell.name]), {})
            line.setdefault(ours[cell.type], []).append(cell.place)
    return {line: found[line] for line in sorted(found, key=lambda name: (name == UNKNOWN, name))}


def _adopt(owners, netlist):
    """Cells of no part join that of a cell to which a net of these two alone leads.

    Such are those that the router adds, for instance at the ends of carry chains.
    """
    pairs, changed = netlist.pairs(), True
    while changed:
        changed = False
        for one, other in pairs:
            for orphan, owner in ((one, other), (other, one)):
                if owners[orphan] is None and owners[owner] is not None:
                    owners[orphan], changed = owners[owner], True


def count(places: dict, used: Mapping[str, int]) -> list[dict]:
    """Cells by line: [{"part", kind: count ...}], which sum to ``used``, kind -> count.

    Where the router counts cells that its netlist does not show, or the other way round, what is
    not attributed makes up for it, so that nothing is lost.
    """
    rows = [
        {"part": line, **{kind: len(cells.get(kind, ())) for kind in used}}
        for line, cells in places.items()
        if line != UNKNOWN
    ]
    known = {kind: sum(row[kind] for row in rows) for kind in used}
    return [*rows, {"part": UNKNOWN, **{kind: used[kind] - known[kind] for kind in used}}]
