"""``sobolpath``: finds the command that was typed. A command is read only when it runs."""

import sys
from collections.abc import Sequence
from importlib import import_module

from . import __version__
from .golden.errors import InputError, near
from .golden.machine import registry
from .golden.support import cli, command

#: By the words that are typed: the module, and what it does.
COMMANDS = {
    "train": ("golden.commands.train", "train a network, quantize it, write a model file"),
    "eval": ("golden.commands.eval", "print the accuracy of a model file"),
    "quality": ("golden.commands.quality", "judge a topology before training it"),
    "compare": ("golden.commands.compare", "train topologies alike, and compare them"),
    "zoo": ("golden.commands.zoo", "list the models that ship, or train one again"),
    "reproduce": ("golden.commands.reproduce", "run a paper's experiment again"),
    "sweep": ("sim.commands.sweep", "train many combinations, on every core or a cluster"),
    "import": ("exchange.commands.importing", "read a network from ONNX or QONNX"),
    "export": ("exchange.commands.export", "write a model as ONNX"),
    "demo": ("demo.commands.demo", "serve a page: draw a digit, a board says which it is"),
    "bench": ("golden.commands.bench", "time training, as paths and as matrices"),
    "sim run": ("sim.commands.run", "run a model on the simulated engine and compare"),
    "sim profile": ("sim.commands.profile", "say what the cycles of a model do"),
    "sim trace": ("sim.commands.trace", "follow one image through the engine, step by step"),
    "sim explain": ("sim.commands.explain", "draw rows, lanes and the crossbar"),
    "sim conflicts": ("sim.commands.conflicts", "count what other paths cost on banked memories"),
    "sim grow": ("sim.commands.grow", "run one file of weights with more and more paths"),
    "sim learn": ("sim.commands.learn", "let the simulated chip learn a data set"),
    "sim serve": ("sim.commands.serve", "simulate a whole board behind a serial port"),
    "sim bench": ("sim.commands.bench", "time the back ends of the simulation"),
    "sim bench-learn": ("sim.commands.bench_learn", "set learning on chips beside a processor"),
    "hw list": ("hw.commands.list", "name the configurations of the engine"),
    "hw verilog": ("hw.commands.verilog", "write an engine as Verilog, for other designs"),
    "hw image": ("hw.commands.image", "write a network as the bytes an engine takes"),
    "board list": ("boards.commands.list", "name the boards"),
    "board build": ("boards.commands.build", "make the bitstream of a board, and a report"),
    "board program": ("boards.commands.program", "put a bitstream and a network on a board"),
    "board verify": ("boards.commands.verify", "compare a board's netlist, gate by gate"),
    "pytorch bench": ("pytorch.commands.bench", "time paths in PyTorch beside matrices"),
    "host list": ("host.commands.list", "name the serial ports, and what answers there"),
    "host identify": ("host.commands.identify", "say what a board is, and which models fit"),
    "host load": ("host.commands.load", "load a model into a board"),
    "host infer": ("host.commands.infer", "infer images on a board, from file to file"),
    "host classify": ("host.commands.classify", "show an image, and the class a board gives it"),
    "host bench": ("host.commands.bench", "time a board, its line and its engine"),
    "host selftest": ("host.commands.selftest", "check a board with random networks"),
}
GROUPS = {
    "sim": "run models on the simulated engine, compare, look inside",
    "hw": "write the engine as Verilog, and networks as its bytes",
    "board": "make bitstreams, put them on boards, check netlists",
    "pytorch": "train networks of paths with PyTorch",
    "host": "talk to a board: load networks, infer, classify, check",
}
HEAD = """\
usage: {prog} {shape}

{about}

"""
ABOUT = """\
Sparse neural networks made of Sobol' paths, in open hardware: train a
network, run it on the simulated engine, make the bitstream of a board.

  sobolpath sim run digits --data digits     a trained network, simulated
  sobolpath board build icebreaker           a bitstream, its area and Fmax"""


def _names(group):
    """The words that may follow those of a group (``""`` for none): name -> what it does."""
    names = {}
    for words, (_, about) in COMMANDS.items():
        first, _, rest = words.partition(" ")
        if not group and not rest:
            names[first] = about
        elif group and first == group:
            names[rest] = about
    return names if group else {**names, **GROUPS}


def _help(group):
    names, prog = _names(group), " ".join(["sobolpath", *([group] if group else [])])
    about = f"{GROUPS[group][0].upper()}{GROUPS[group][1:]}." if group else ABOUT
    text = HEAD.format(prog=prog, shape="COMMAND ...", about=about)
    text += "".join(f"  {name:<12}{about}\n" for name, about in names.items())
    text += f"\n{prog} COMMAND --help tells more of each."
    return text + ("" if group else " --version tells which this is.")


def find(argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Split ``argv`` into the words of a command and its arguments; ``InputError`` for others.

    The words are empty where help or the version is asked for.
    """
    group = argv[0] if argv and argv[0] in GROUPS else ""
    rest = argv[1:] if group else argv
    prog, names = " ".join(["sobolpath", *([group] if group else [])]), _names(group)
    if rest and rest[0] in names:
        return " ".join([*([group] if group else []), rest[0]]), rest[1:]
    if rest and rest[0] in ("-h", "--help", *(() if group else ("--version",))):
        return "", [group, rest[0]]
    given, hint = (repr(rest[0]), near(rest[0], names)) if rest else ("left out", "")
    raise InputError(
        f"COMMAND must be one of {', '.join(names)}, not {given}{hint} (try '{prog} --help')"
    )


def _engines():
    """Every engine by the name of its configuration, that of a board among them."""
    from .hw.engines import boards

    return boards()


registry.enter(_engines)


def run(argv: Sequence[str]) -> int:
    """Run the command of these arguments; its exit code."""
    words, rest = find(argv)
    if not words:
        group, asked = rest
        print(f"sobolpath {__version__}" if asked == "--version" else _help(group))
        return 0
    module = import_module(f"{__package__}.{COMMANDS[words][0]}")
    return command.execute(module, ("sobolpath", *words.split()), rest)


def main(argv: Sequence[str] | None = None) -> int:
    """The console script: its exit code; wrong input is one line."""
    return cli.main(run, argv)


if __name__ == "__main__":
    sys.exit(main())
