"""``sobolpath sim explain``: rows, lanes, blocks and the crossbar of a small network, drawn."""

import textwrap
from argparse import Namespace
from pathlib import Path

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.lanes import check, junction_matrix, path_order
from sobolpath.golden.support import cli, options, plots
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.golden.topology import catalogue, gf2

from ..views import explain_plot, sweeps, sweeps_plot

PLOT = Path("build/explain.svg")
MOST = 16, 16, 8  # lanes, rows of a layer, and epochs of the junction that can be read in a picture
MOST_LEARN = 8, 16  # lanes, and steps of the junction, where learning is drawn

HELP = """\
Draw how paths meet the hardware, for a small network: the neurons of each layer
in their rows and lanes; one step, which is a block of paths that goes from a
row of neurons through the butterfly crossbar to another row; and the order of
the steps. docs/how-it-works.md explains the picture.

  sobolpath sim explain
  sobolpath sim explain --layers 32-32-16 --paths 64,64 --lanes 8 --step 5 \\
      --plot build/eight.svg

  sobolpath sim explain --learn --step 5 --plot build/learn.svg

With --learn it draws the three sweeps of learning through a junction, which is
not the first one: all steps of each, and in lanes the one that reads row --step
of the weights. docs/learning.md explains that picture.

The exit code is 1 if rows, lanes and D do not give exactly the paths' edges.
Topologies: {}.
""".format(", ".join(catalogue.LINEAR))


def arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.layers(parser, "16-16-8")
    options.paths(parser, "32,32")
    add("--lanes", type=int, default=4, metavar="P", help="lanes, a power of two (%(default)s)")
    options.topology(parser)
    options.junction(parser, None, "the junction of the step (1, or with --learn the last)")
    add("--learn", action="store_true", help="draw the sweeps of learning instead")
    add(
        "--step",
        type=int,
        default=3,
        metavar="S",
        help="the number of the step that is drawn (%(default)s)",
    )
    options.plot(parser, "the picture", PLOT)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Draw, and say what the step does; it as a dict for ``--json``, and what is wrong."""
    plot = options.plot or PLOT
    plots.check(plot, options.json)
    layers = cli.integers(options.layers, "-", "--layers")
    paths = cli.integers(options.paths, ",", "--paths")
    topology = catalogue.build(options.topology, layers, paths)
    lanes, junction, step = options.lanes, options.junction, options.step
    if junction is None:
        junction = len(paths) if options.learn else 1
    try:
        edges = check(topology, lanes)
    except ArithmeticError as error:
        return Outcome({}, (str(error),))
    _check_range("--junction", junction, 1, len(paths))
    _check_size(topology, lanes, junction)
    _check_range("--step", step, 0, paths[junction - 1] // lanes - 1)
    word = int(gf2.apply(junction_matrix(topology, junction, lanes), [step])[0])
    row, epoch = divmod(step, topology.fan_in(junction))
    block = path_order(topology, junction, lanes)[step]
    summary = {
        "layers": list(layers),
        "paths": list(paths),
        "weights": sum(paths),
        "topology": options.topology,
        "lanes": lanes,
        "edges_compared": edges,
        "junction": junction,
        "step": step,
        "row": row,
        "epoch": epoch,
        "source": word // lanes,
        "distance": word % lanes,
        "block": block.tolist(),
    }
    text = (
        f"step {step} of junction {junction} is row {row}, epoch {epoch}: paths "
        f"{min(block)} to {max(block)}, from row {word // lanes} with D = "
        f"{word % lanes:0{max(lanes.bit_length() - 1, 1)}b}. Rows, lanes and D were compared with "
        f"all {edges} edges."
    )
    for line in textwrap.wrap(text, 80):
        say(line)
    if options.learn:
        try:
            summary["sweeps"] = _sweeps(topology, junction, lanes, say)
        except ArithmeticError as error:
            return Outcome({}, (str(error),))
        sweeps_plot.draw(plot, topology, lanes, junction, step)
    else:
        explain_plot.draw(plot, topology, lanes, junction, step)
    say(f"picture    {plot}")
    return Outcome(summary)


def _sweeps(topology, junction, lanes, say):
    """The walks of learning for ``--json``, compared with the paths' edges."""
    for name, size, most in zip(
        ("lanes", "steps of the junction"),
        (lanes, topology.paths[junction - 1] // lanes),
        MOST_LEARN,
        strict=True,
    ):
        if size > most:
            raise InputError(f"a picture of learning can show at most {most} {name}, not {size}")
    walks = sweeps.walks(topology, junction, lanes)
    compared = sweeps.check_walks(topology, junction, lanes)
    say(f"sweeps     {len(walks)}, which were compared with {compared} edges of the junction")
    return [
        {
            "name": walk.sweep.name.lower(),
            "weight_rows": walk.weights.tolist(),
            "source_rows": walk.sources.tolist(),
            "target_rows": walk.targets.tolist(),
            "distances": walk.distances.tolist(),
        }
        for walk in walks
    ]


def _check_size(topology, lanes, junction):
    sizes = lanes, max(topology.layers) // lanes, topology.fan_in(junction)
    names = "lanes", "rows of a layer", "epochs, paths a neuron"
    for name, size, most in zip(names, sizes, MOST, strict=True):
        if size > most:
            raise InputError(f"a picture can show at most {most} {name}, not {size}")


def _check_range(option, value, low, high):
    if not low <= value <= high:
        raise InputError(f"{option} must be {low} to {high}, not {value}")
