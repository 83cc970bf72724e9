"""``sobolpath hw image``: a trained network as the bytes that an engine takes."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.records import records
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.command import Outcome

from ..config import CONFIGS
from ..engines import ENGINES, named
from ..export import example

HELP = """\
Write a trained model as the bytes that an engine of a configuration takes on
s_axis_config, in order: FILE.hex for $readmemh, FILE.bin as they are. Nothing
of this package is needed to run it then.

  sobolpath hw image digits --config icebreaker -o build/digits.hex
"""


def arguments(parser: cli.Parser) -> None:
    """Add the options."""
    options.model(parser)
    options.engine(parser, ENGINES)
    options.config(parser, CONFIGS, None)
    options.out(parser, "what to write, FILE.hex or FILE.bin", "-o")
    options.json(parser)


def run(options: Namespace, say: Callable[[str], None]) -> Outcome:
    """Write the bytes, and say what the network takes. Raises ``InputError``."""
    if options.out == "-":
        raise InputError("-o must be a file to write, not -")
    config, suffix = named(options.engine, options.config), Path(options.out).suffix
    if suffix not in (".hex", ".bin"):
        raise InputError(f"-o must end in .hex or .bin, not {options.out!r}")
    model = models.load(options.model)
    content = records(config.image(model))
    schedule, layers = config.schedule(model.topology), model.topology.layers
    result = {
        "model": str(options.model),
        "config": options.config,
        "engine_kind": options.engine,
        "file": str(options.out),
        "bytes": len(content),
        "images_together": config.images,
        "inputs": layers[0],
        "outputs": layers[-1] * config.images,
        "latency_cycles": schedule.latency,
        "interval_cycles": schedule.interval,
    }
    binary = suffix == ".bin"
    cli.write_atomically(options.out, content if binary else example.hexadecimal(content))
    for line in (
        "{file}: {bytes:,} bytes for s_axis_config",
        "inference {inputs:,} inputs of {images_together} images together, {outputs:,} logits",
        "latency   {latency_cycles:,} cycles from the last input taken to the last sum",
        "interval  {interval_cycles:,} cycles from one inference to the next, when inputs wait",
    ):
        say(line.format(**result))
    return Outcome(result)
