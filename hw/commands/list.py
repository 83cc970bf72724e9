"""``sobolpath hw list``: the configurations of the engine."""

from argparse import Namespace
from collections.abc import Callable

from sobolpath.golden.support import cli, options
from sobolpath.golden.support.command import Outcome

from ..config import CONFIGS
from ..export import facts

HELP = """\
Name the configurations and what an engine of each has room for.

  sobolpath hw list
"""


def arguments(parser: cli.Parser) -> None:
    """Add the options."""
    options.json(parser)


def run(options: Namespace, say: Callable[[str], None]) -> Outcome:
    """Print a line for each."""
    names = ("lanes", "images", "neurons", "weights", "biases", "outputs", "memory bits")
    widths = [max(8, len(name) + 2) for name in names]
    pairs = zip(names, widths, strict=True)
    say(f"{'':<14}" + "".join(f"{name:>{width}}" for name, width in pairs))
    for name, config in CONFIGS.items():
        values = (
            *(config.lanes, config.images, config.max_neurons),
            *(config.weight_words * config.lanes, config.bias_neurons, config.max_outputs),
            sum(facts.memories(config).values()),
        )
        row = (f"{value:>{width},}" for value, width in zip(values, widths, strict=True))
        say(f"{name:<14}" + "".join(row))
    return Outcome({"configs": [facts.facts(name) for name in CONFIGS]})
