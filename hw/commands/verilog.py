"""``sobolpath hw verilog``: the engine as Verilog, with a core file and an example."""

import os
import re
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from sobolpath import __version__
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.command import Outcome

from ..config import CONFIGS
from ..engines import ENGINES, named
from ..export import example, facts, fusesoc

HELP = """\
Write the engine as one Verilog file with AXI4-Stream ports, for any synthesis
or simulation: docs/verilog.md tells how to use it. The same command gives the
same bytes, with the same versions of the tools.

--example adds a test bench that loads a network, runs it and checks each
logit, and --core a FuseSoC core file, in whose folder the others must be:

  sobolpath hw verilog --config icebreaker -o build/engine/engine.v \\
      --example build/engine/engine_tb.v --core build/engine/engine.core
  cd build/engine
  iverilog -o engine_tb.vvp engine_tb.v engine.v && vvp -n engine_tb.vvp
"""


def arguments(parser: cli.Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.engine(parser, ENGINES)
    options.config(parser, CONFIGS, None)
    options.out(parser, "the Verilog file to write", "-o")
    add("--name", default="path_engine", metavar="MODULE", help="name of the module (%(default)s)")
    add("--core", metavar="FILE.core", help="write a FuseSoC core file")
    add("--example", metavar="NAME_tb.v", help="write a test bench, and NAME_tb_*.hex for it")
    what = "the network of the example (a small random one)"
    options.model(parser, nargs="?", help=what)
    options.json(parser)


def run(options: Namespace, say: Callable[[str], None]) -> Outcome:
    """Write the engine and what is asked for beside it. Raises ``InputError``."""
    if options.out == "-":
        raise InputError("-o must be a file to write, not -")
    kind, out = options.engine, Path(options.out)
    described = facts.facts(options.config, kind)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", options.name):
        raise InputError(f"--name must be a Verilog identifier, not {options.name!r}")
    beside = _example(options) if options.example is not None else []
    if options.model is not None and not beside:
        raise InputError("MODEL must come with --example: it is the example's network")
    if options.core is not None:
        beside.append((Path(options.core), _core(options, [path for path, _ in beside])))
    paths = [out, *(path for path, _ in beside)]
    read = [] if options.model is None else [options.model]
    cli.check_writable(*paths, options.json, read=read)
    print("making the Verilog: some seconds", file=sys.stderr, flush=True)
    files = [(out, facts.engine(options.config, options.name, kind)), *beside]
    for path, text in files:
        cli.write_atomically(path, text)
    for path, text in files:
        say(f"{path}: {text.count(chr(10)):,} lines")
    return Outcome({**described, "module": options.name, "written": list(map(str, paths))})


def _example(options):
    """The files of the example: [(path, text)], the test bench first."""
    path, config = Path(options.example), named(options.engine, options.config)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*_tb\.v", path.name):
        raise InputError(f"--example must be called like engine_tb.v, not {path.name!r}")
    if path.stem == options.name:
        raise InputError(f"--example must not be called like the module, {options.name!r}")
    model = example.random_model(config) if options.model is None else models.load(options.model)
    verilog = Path(options.out).name
    files = example.files(config, model, module=options.name, bench=path.stem, verilog=verilog)
    return [(path.with_name(name), text) for name, text in files.items()]


def _core(options, paths):
    """The text of the core file; ``paths`` are those of the example, or none."""

    def below(path, option):
        relative = os.path.relpath(Path(path).resolve(), Path(options.core).resolve().parent)
        if relative.startswith(os.pardir):
            raise InputError(f"{option} must be in the folder of --core or below, not {path}")
        name = Path(relative).as_posix()
        if not re.fullmatch(r"[A-Za-z0-9._/-]+", name):  # what make and YAML take as it is
            raise InputError(
                f"{option} must be of letters, digits, . _ - for a core file, not {name!r}"
            )
        return name

    names = [below(path, "--example") for path in paths]  # the test bench first
    return fusesoc.core(
        module=options.name,
        version=__version__,
        description=f"Engine of sobolpath, {options.engine}, configuration {options.config}",
        verilog=below(options.out, "-o"),
        bench=names[0] if names else None,
        data=names[1:],
    )
