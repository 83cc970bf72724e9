"""``sobolpath hw list``: the configurations of the engine."""

from argparse import Namespace
from collections.abc import Callable

from sobolpath.golden.support import cli, options, tables
from sobolpath.golden.support.command import Outcome

from ..config import CONFIGS
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
    for line in tables.table(COLUMNS, [_row(name) for name in CONFIGS]):
        say(line)
    return Outcome({"configs": [facts.facts(name) for name in CONFIGS]})


def _row(name):
    config = CONFIGS[name]
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
