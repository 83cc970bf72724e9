"""The ECP5's block RAMs with their own output registers, which Yosys does not infer.

A DP16KD's output comes 5.8 ns after the clock edge, but 1.0 ns after it where the cell's own output
register is on (nextpnr's figures for speed grade 6). Yosys leaves it off, and makes the register
that a design has behind a memory of flip-flops. Here these move into the cell. The netlist does the
same as before: the cell's register is such a bank of flip-flops, behind the output, with an enable
of its own that no other enable matters to. Lattice FPGA-TN-02204, "ECP5 Memory Usage Guide".
"""

import json
from collections import defaultdict
from pathlib import Path

CELL, FLIP_FLOP = "DP16KD", "TRELLIS_FF"
ON, OFF = "OUTREG", "NOREG"
#: What a flip-flop must be to be one of the cell's: of the same edge, 0 at first, and not set.
PLAIN = {"CLKMUX": "CLK", "GSR": "DISABLED", "LSRMUX": "LSR", "REGSET": "RESET"}
ALWAYS = "1 "  # an enable that is always there; a text of digits alone has a space behind it


def move_registers(netlist: Path) -> int:
    """Moves flip-flops behind block RAMs into these, in a file of Yosys' JSON.

    Those of a port move where each bit of its output in use goes to one flip-flop and nowhere else,
    and all of these have the port's clock, the same enable and no reset. An output of 36 bits is
    that of both ports: all of its flip-flops move or none.

    Returns how many block RAMs have a register of their own then.
    """
    design = json.loads(netlist.read_text())
    module = design["modules"]["top"]
    cells, loads, count = module["cells"], _loads(module), 0
    for cell in [cell for cell in cells.values() if cell["type"] == CELL]:
        wide = int(cell["parameters"]["DATA_WIDTH_B"], 2) == 36
        moved = [_move(cell, ports, cells, loads) for ports in (("AB",) if wide else "AB")]
        count += any(moved)
    netlist.write_text(json.dumps(design))
    return count


def _loads(module):
    """Bit -> the (cell, port) that it goes to; ("", port) for the design's own ports."""
    loads = defaultdict(list)
    for name, cell in module["cells"].items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] != "output":
                for bit in bits:
                    loads[bit].append((name, port))
    for name, port in module["ports"].items():
        for bit in port["bits"]:
            loads[bit].append(("", name))
    return loads


def _move(cell, ports, cells, loads):
    """Moves the flip-flops behind ``ports`` of a block RAM into it, if that may be: whether."""
    parameters, connections = cell["parameters"], cell["connections"]
    outputs = {
        name: loads[bits[0]]
        for name, bits in connections.items()
        if name[:2] == "DO" and name[2] in ports and bits and loads[bits[0]]
    }
    ends = [end for each in outputs.values() for end in each]
    alone = len(ends) == len(outputs) and all(port == "DI" for _, port in ends)
    if not outputs or not alone or any(cells[name]["type"] != FLIP_FLOP for name, _ in ends):
        return False
    banks = {_bank(cells[name]) for name, _ in ends}
    clocks = {(parameters[f"CLK{port}MUX"], *connections[f"CLK{port}"]) for port in ports}
    enables = {enable for _, enable in banks}
    if (
        banks != {(clock, *enables) for _, clock in clocks}
        or {kind for kind, _ in clocks} != {f"CLK{port}" for port in ports}
        or any(parameters[f"REGMODE_{port}"] != OFF for port in ports)
        or any(connections[f"RST{port}"] != ["0"] for port in ports)
    ):
        return False
    for port in ports:
        parameters[f"REGMODE_{port}"] = ON
        connections[f"OCE{port}"] = list(enables)
    for name, [(flip_flop, _)] in outputs.items():
        connections[name] = cells.pop(flip_flop)["connections"]["Q"]
    return True


def _bank(cell):
    """Clock and enable of a flip-flop; (None, None) for one that a block RAM does not have."""
    parameters, connections = cell["parameters"], cell["connections"]
    enables = {ALWAYS: "1", "CE": connections.get("CE", ["0"])[0]}
    plain = parameters.items() >= PLAIN.items() and parameters["CEMUX"] in enables
    if not plain or connections.get("LSR", ["0"]) != ["0"]:
        return None, None
    return connections["CLK"][0], enables[parameters["CEMUX"]]
