"""``sobolpath hw list``: the configurations of the engine."""

from argparse import Namespace
from collections.abc import Callable

from sobolpath.golden.support import cli, options, tables
from sobolpath.golden.support.command import Outcome

from ..engines import ENGINES, named
from ..export import facts
from ..memories import memories

HELP = """\
Name the configurations and what an engine of each has room for.

  sobolpath hw list
"""

COLUMNS = (
    ("", "name", ""),
    *((name, name, ",") for name in ("lanes", "images", "neurons", "weights", "biases", "outputs")),
    ("memory bits", "memory", ","),
)


def arguments(parser: cli.Parser) -> None:
    """Add the options."""
    options.json(parser)


def run(options: Namespace, say: Callable[[str], None]) -> Outcome:
    """Print a line for each."""
    for kind, configs in ENGINES.items():
        say(f"--engine {kind}")
        for line in tables.table(COLUMNS, [_row(kind, name) for name in configs]):
            say(line)
    names = [(kind, name) for kind, configs in ENGINES.items() for name in configs]
    return Outcome({"configs": [facts.facts(name, kind) for kind, name in names]})


def _row(kind, name):
    config = named(kind, name)
    return {
        "name": name,
        "lanes": config.lanes,
        "images": config.images,
        "neurons": config.max_neurons,
        "weights": config.weight_words * config.lanes,
        "biases": config.bias_neurons,
        "outputs": config.max_outputs,
        "memory": sum(size.bits for size in memories(config).values()),
    }
