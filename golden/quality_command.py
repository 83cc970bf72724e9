"""``python -m golden quality``: judge a topology before training it."""

import textwrap
import time

from . import cli, linear, quality
from .errors import InputError
from .lanes import plan
from .topologies import LINEAR, TOPOLOGIES, build

HELP = (
    """\
Judge a topology before any training: edges that repeat, fan-in and fan-out,
scatter (the share of windows of neighbours that every neuron hears; 1 is
best), connected parts, algebraic connectivity and spectral gap of the graph,
and the cycles that a memory of one bank a lane takes for a block of paths in
path order (1 is best).

  python -m golden quality --topology cascaded --layers 64-128-128-16 \\
      --paths 2048,2048,1024

The hardware runs {}
(in an order of its own, without a stall). The topologies are

""".format(", ".join(LINEAR))
    + "\n".join(f"  {name:<18}{about}" for name, (_, _, about) in TOPOLOGIES.items())
)

ROWS = (
    ("paths", "paths"),
    ("repeated", "duplicates"),
    ("fan-in", "fan_in"),
    ("fan-out", "fan_out"),
    ("scatter >", "scatter_forward"),
    ("scatter <", "scatter_backward"),
    ("parts", "parts"),
    ("connectivity", "algebraic_connectivity"),
    ("spectral gap", "spectral_gap"),
    ("read cycles", "reads"),
    ("write cycles", "writes"),
    ("stalled", "stalled"),
)


def arguments(parser):
    """Add ``--topology``, ``--layers``, ``--paths``, ``--dimensions`` and ``--seed``."""
    add = parser.add_argument
    add("--topology", default="sobol", metavar="NAME", help="which paths (%(default)s)")
    add("--layers", required=True, metavar="N-N-...", help="neurons, as 64-128-128-16")
    add("--paths", required=True, metavar="N,N,...", help="per junction, as 2048,2048,1024")
    add("--dimensions", metavar="D,D,...", help="of Sobol', per layer (0,1,2,...)")
    add("--seed", type=int, default=0, metavar="N", help="of the random ones (%(default)s)")


def topology_of(options):
    """The topology that :func:`arguments` describe. Raises ``InputError``."""
    dimensions = options.dimensions
    return build(
        options.topology,
        cli.integers(options.layers, "-", "--layers"),
        cli.integers(options.paths, ",", "--paths"),
        seed=options.seed,
        dimensions=None if dimensions is None else cli.integers(dimensions, ",", "--dimensions"),
    )


def add_to(commands):
    """Add the command to the subparsers of ``python -m golden``."""
    parser = commands.add_parser("quality", help="judge a topology", description=HELP)
    parser.set_defaults(run=run)
    arguments(parser)
    parser.add_argument(
        "--lanes", type=int, default=8, metavar="N", help="banks of the memory (%(default)s)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures; - is standard output")


def _cell(value):
    if isinstance(value, dict):
        least, most = value["least"], value["most"]
        return str(least) if least == most else f"{least}-{most}"
    if isinstance(value, float):
        return f"{value:.3f}"
    return "-" if value is None else str(value)


def _print(topology, figures, hardware):
    print(f"topology      {topology.name}")
    print(f"layers        {'-'.join(map(str, topology.layers))}")
    if topology.dimensions:
        print(f"dimensions    {','.join(map(str, topology.dimensions))}")
    columns = [*figures["junctions"], figures["network"]]
    names = [f"junction {n}" for n in topology.junctions] + ["network"]
    for start in range(0, len(columns), 5):  # five columns fit in 80 characters
        print(" " * 13 + "".join(f"{name:>13}" for name in names[start : start + 5]))
        for title, key in ROWS:
            cells = [_cell(c[key]) if key in c else "" for c in columns[start : start + 5]]
            print(f"{title:<13}" + "".join(f"{cell:>13}" for cell in cells).rstrip())
    print(f"scatter       {figures['network']['scatter']:.3f}, the least of all")
    print(textwrap.fill(f"hardware      {hardware}", 80, subsequent_indent=" " * 14))


def run(options):
    """Measure and print; the figures as a dict for ``--json``."""
    topology, skipped = topology_of(options), []
    if options.topology == "omitted":
        skipped = linear.omitted(topology.layers, topology.paths)[1]
    began = time.perf_counter()
    figures = quality.measure(topology, options.lanes)
    seconds = time.perf_counter() - began
    try:
        plan(topology, options.lanes)
        hardware = f"{options.lanes} lanes run it, one block a cycle"
    except InputError as error:
        hardware = str(error)
    _print(topology, figures, hardware)
    if options.topology == "omitted":
        print(f"omitted       dimensions {','.join(map(str, skipped)) or 'none'}")
    return {
        "topology": options.topology,
        "layers": list(topology.layers),
        "paths": list(topology.paths),
        "dimensions": list(topology.dimensions),
        "omitted": skipped,
        "seed": options.seed,
        "runs_on_hardware": hardware.endswith("a cycle"),
        **figures,
        "seconds": round(seconds, 3),
    }
