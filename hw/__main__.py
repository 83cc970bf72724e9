"""``python -m hw``: the engine as Verilog for other designs, and networks as bytes for it."""

import os
import re
import sys
from pathlib import Path

from golden import cli
from golden import model as models
from golden.errors import InputError
from golden.machine import plan

from . import example, export, fusesoc
from .axis import records
from .config import CONFIGS

HELP = """\
The hardware for other designs: the path engine as Verilog with AXI4-Stream
ports, and trained networks as the bytes that it takes.
"""

LIST_HELP = """\
Name the configurations and what an engine of each has room for.

  python -m hw list
"""

VERILOG_HELP = """\
Write the engine as one Verilog file with AXI4-Stream ports, for any synthesis
or simulation: docs/verilog.md tells how to use it. The same command gives the
same bytes, with the same versions of the tools.

--example adds a test bench that loads a network, runs it and checks each
logit, and --core a FuseSoC core file, in whose folder the others must be:

  python -m hw verilog --config icebreaker -o build/engine/engine.v \\
      --example build/engine/engine_tb.v --core build/engine/engine.core
  cd build/engine
  iverilog -o engine_tb.vvp engine_tb.v engine.v && vvp -n engine_tb.vvp
"""

IMAGE_HELP = """\
Write a trained model as the bytes that an engine of a configuration takes on
s_axis_config, in order: FILE.hex for $readmemh, FILE.bin as they are. Nothing
of this package is needed to run it then.

  python -m hw image models/digits.npz --config icebreaker -o build/digits.hex
"""


def _parser():
    parser = cli.Parser(prog="python -m hw", description=HELP)
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|verilog|image")
    json = {"metavar": "FILE", "help": "write the facts as JSON; - is standard output"}
    config = {"required": True, "metavar": "NAME", "help": ", ".join(CONFIGS)}

    command = commands.add_parser("list", help="name the configurations", description=LIST_HELP)
    command.set_defaults(action=_list)
    command.add_argument("--json", **json)

    command = commands.add_parser("verilog", help="write an engine", description=VERILOG_HELP)
    command.set_defaults(action=_verilog)
    add = command.add_argument
    add("--config", **config)
    add("-o", "--out", required=True, metavar="FILE", help="the Verilog file")
    add("--name", default="path_engine", metavar="MODULE", help="of the module (%(default)s)")
    add("--core", metavar="FILE.core", help="write a FuseSoC core file")
    add("--example", metavar="NAME_tb.v", help="write a test bench, and NAME_tb_*.hex for it")
    add("--model", metavar="MODEL", help="the network of the example (a small random one)")
    add("--json", **json)

    command = commands.add_parser("image", help="write a network's bytes", description=IMAGE_HELP)
    command.set_defaults(action=_image)
    add = command.add_argument
    add("model", metavar="MODEL", help="a model file (.npz)")
    add("--config", **config)
    add("-o", "--out", required=True, metavar="FILE", help="FILE.hex or FILE.bin")
    add("--json", **json)
    return parser


def _list(options, say):
    names = ("lanes", "images", "neurons", "weights", "biases", "outputs", "memory bits")
    widths = [max(8, len(name) + 2) for name in names]
    pairs = zip(names, widths, strict=True)
    say(f"{'':<14}" + "".join(f"{name:>{width}}" for name, width in pairs))
    for name, config in CONFIGS.items():
        values = (
            *(config.lanes, config.images, config.max_neurons),
            *(config.weight_words * config.lanes, config.bias_neurons, config.max_outputs),
            sum(export.memories(config).values()),
        )
        row = (f"{value:>{width},}" for value, width in zip(values, widths, strict=True))
        say(f"{name:<14}" + "".join(row))
    return {"configs": [export.facts(name) for name in CONFIGS]}


def _verilog(options, say):
    facts, out = export.facts(options.config), Path(options.out)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", options.name):
        raise InputError(f"--name must be a Verilog identifier, not {options.name!r}")
    beside = _example(options) if options.example is not None else []
    if options.model is not None and not beside:
        raise InputError("--model must come with --example: it is the example's network")
    if options.core is not None:
        beside.append((Path(options.core), _core(options, [path for path, _ in beside])))
    paths = [out, *(path for path, _ in beside)]
    cli.check_writable(*paths, options.json, read=_read(options))
    print("making the Verilog: some seconds", file=sys.stderr, flush=True)
    files = [(out, export.engine(options.config, options.name)), *beside]
    for path, text in files:
        cli.write_atomically(path, text)
    for path, text in files:
        say(f"{path}: {text.count(chr(10)):,} lines")
    return {**facts, "module": options.name, "files": list(map(str, paths))}


def _example(options):
    """The files of the example: [(path, text)], the test bench first."""
    path, config = Path(options.example), export.configuration(options.config)
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

    bench, *data = [below(path, "--example") for path in paths] or [None]
    return fusesoc.core(
        module=options.name,
        version=export.sobolpath_version(),
        description=f"Path engine of sobolpath, configuration {options.config}",
        verilog=below(options.out, "-o"),
        bench=bench,
        data=data,
    )


def _image(options, say):
    config, suffix = export.configuration(options.config), Path(options.out).suffix
    if suffix not in (".hex", ".bin"):
        raise InputError(f"-o must end in .hex or .bin, not {options.out!r}")
    model = models.load(options.model)
    content = records(config.image(model))
    schedule, layers = plan(model.topology, config.machine), model.topology.layers
    result = {
        "model": str(options.model),
        "config": options.config,
        "file": str(options.out),
        "bytes": len(content),
        "images_together": config.images,
        "inputs": layers[0],
        "logits": layers[-1] * config.images,
        "latency_cycles": schedule.latency,
        "interval_cycles": schedule.interval,
    }
    binary = suffix == ".bin"
    cli.write_atomically(options.out, content if binary else example.hexadecimal(content))
    for line in (
        "{file}: {bytes:,} bytes for s_axis_config",
        "inference {inputs:,} inputs of {images_together} images together, {logits:,} logits",
        "latency   {latency_cycles:,} cycles from the last input taken to the last sum",
        "interval  {interval_cycles:,} cycles from one inference to the next, inputs abounding",
    ):
        say(line.format(**result))
    return result


def _read(options):
    return [options.model] if getattr(options, "model", None) else []


def main(argv):
    """Parse the command line and run it. With ``--json -`` only the JSON is on standard output."""
    options = _parser().parse_args(argv)
    if getattr(options, "out", None) == "-":
        raise InputError("-o must be a file to write, not -")
    cli.check_writable(getattr(options, "out", None), options.json, read=_read(options))
    out = sys.stderr if options.json == "-" else sys.stdout

    def say(text):
        print(text, file=out, flush=True)

    result = options.action(options, say)
    if options.json is not None:
        cli.write_json(options.json, result)


if __name__ == "__main__":
    sys.exit(cli.main(main))
