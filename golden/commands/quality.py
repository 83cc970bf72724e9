"""``sobolpath quality``: judge a topology before training it, or a model that is trained."""

import textwrap
import time
from argparse import Namespace

from .. import data
from ..errors import InputError
from ..machine import model
from ..machine.lanes import lane_maps
from ..support import cli, options, tables
from ..support.cli import Parser
from ..support.command import Outcome, Say
from ..topology import linear, quality
from ..topology.catalogue import LINEAR, TOPOLOGIES
from ..training import dead, signs
from ..training.initialize import initialize
from . import shared

HELP = (
    """\
Judge a topology before any training: edges that repeat, fan-in and fan-out,
scatter (the share of windows of neighbours that every neuron has an edge from;
1 is best), connected parts, algebraic connectivity and spectral gap of the
graph, and the cycles per block of paths, in path order, of a memory with one
bank per lane (1 is best). Signs into and out of neurons are the largest surplus
of + or - that a neuron has among the weights that enter and leave it (0 is
balanced), by the rule of --initialization (see train --help).

A MODEL in place of the sizes is judged as it is: its paths, the signs of its
weights, and what is dead in it, on the images that it was trained with. Dead
are inputs that are never lit, hidden neurons that never fire, outputs that are
padding, and the weights that begin or end there.

  sobolpath quality fsdd
  sobolpath quality --topologies cascaded --layers 64-128-128-16 \\
      --paths 2048,2048,1024
  sobolpath quality --topologies sobol,cascaded,fixed-fan,pseudo-random \\
      --layers 64-128-128-16 --paths 2048,2048,1024

Several topologies make a table of the whole network, one line each: the largest
standard deviation of a junction's fan-in, the mean cycles per block, and
whether the hardware runs it.

The hardware runs {}
(in an order of its own, without a stall). The topologies are

""".format(", ".join(LINEAR))
    + "\n".join(f"  {name:<18}{about}" for name, (_, _, about) in TOPOLOGIES.items())
)

ROWS = (
    ("paths", "weights"),
    ("repeated", "repeated"),
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
    ("signs into", "signs_into"),
    ("signs out of", "signs_out_of"),
    ("dead weights", "dead"),
)


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.model(parser, nargs="?")
    options.data(parser, required=False, what="the training images of MODEL (those it names)")
    options.label(parser)
    options.topologies(parser, "sobol", "which paths, a table of several (%(default)s)")
    shared.network_arguments(parser, required=False)
    shared.initialization(parser)
    parser.add_argument(
        "--lanes",
        type=int,
        default=8,
        metavar="N",
        help="banks of the memory, one per lane (%(default)s)",
    )
    options.json(parser)


def _cell(value):
    if isinstance(value, dict):
        least, most = value["least"], value["most"]
        return str(least) if least == most else f"{least}-{most}"
    if isinstance(value, float):
        return f"{value:.3f}"
    return "-" if value is None else str(value)


def _report(topology, figures, hardware):
    """The lines that a person reads of one topology."""
    yield f"topology      {topology.name}"
    yield f"layers        {'-'.join(map(str, topology.layers))}"
    if topology.dimensions:
        yield f"dimensions    {','.join(map(str, topology.dimensions))}"
    columns = [*figures["junctions"], figures["network"]]
    lines = [["", *(f"junction {n}" for n in topology.junctions), "network"]]
    for title, key in (row for row in ROWS if row[1] in columns[0]):
        lines.append([title, *(_cell(each[key]) if key in each else "" for each in columns)])
    yield from tables.grid(lines)
    yield f"scatter       {figures['network']['scatter']:.3f}, the least of all"
    yield textwrap.fill(f"hardware      {hardware}", 80, subsequent_indent=" " * 14)


def _hardware(topology, lanes):
    """Whether the hardware runs it, and that in words."""
    try:
        lane_maps(topology, lanes)
    except InputError as error:
        return False, str(error)
    return True, f"{lanes} lanes run it, one block a cycle"


def _measure(options, name):
    """One topology and its figures, a dict as for ``--json``."""
    topology, skipped = shared.topology_of(options, name), []
    if name == "omitted":
        skipped = linear.omitted(topology.layers, topology.paths)[1]
    weights = initialize(topology, options.initialization, options.seed).weights
    figures = _judged(options, topology, name, weights)
    figures |= {"omitted": skipped, "initialization": options.initialization}
    return topology, {**figures, "seed": options.seed}


def _judged(options, topology, name, weights):
    """The figures of a topology with weights, a dict as for ``--json``."""
    began = time.perf_counter()
    figures = quality.measure(topology, options.lanes)
    found = signs.balance(topology, weights)
    for figure, each in zip(figures["junctions"], found, strict=True):
        figure.update({f"signs_{way}": each[way]["sum"] for way in each})
    seconds = time.perf_counter() - began
    return {
        "topology": name,
        **shared.facts(topology),
        "runs_on_hardware": _hardware(topology, options.lanes)[0],
        **figures,
        "seconds": round(seconds, 3),
    }


def _model(options):
    """A model's topology and figures, with what is dead in it, and that in words."""
    for name in ("layers", "paths", "dimensions"):
        if getattr(options, name) is not None:
            raise InputError(f"--{name} must be left out with a MODEL, which has its own")
    known = model.load(options.model)
    named = known.info.get("data") if options.data is None else options.data
    if named is None:
        raise InputError(f"--data is required: {options.model} does not name its training images")
    reading = data.Reading(label=options.label)
    dataset = data.load_for(known, named, options.download, reading)
    figures = _judged(options, known.topology, known.topology.name, known.float_weights)
    found = dead.measure(known, dataset.x_train)
    for figure, count in zip(figures["junctions"], found["dead_weights"], strict=True):
        figure["dead"] = count
    figures["network"]["dead"] = sum(found["dead_weights"])
    figures |= {"model": str(options.model), "data": dataset.name, **found}
    return known.topology, figures, dead.describe(known, found)


def _table(results):
    """The whole networks' figures, a line each."""
    titles = "repeated", "fan sd", "scatter", "parts", "conn.", "gap", "cycles", "hw"
    lines = [["topology", *titles]]
    for result in results:
        whole, junctions = result["network"], result["junctions"]
        blocks = sum(-(-figures["weights"] // result["lanes"]) for figures in junctions)
        cells = (
            whole["repeated"],
            max(figures["fan_in"]["deviation"] for figures in junctions),
            whole["scatter"],
            whole["parts"],
            whole["algebraic_connectivity"],
            whole["spectral_gap"],
            1 + whole["stalled"] / blocks,
            "yes" if result["runs_on_hardware"] else "no",
        )
        lines.append([result["topology"], *map(_cell, cells)])
    return tables.grid(lines)


def run(options: Namespace, say: Say) -> Outcome:
    """Measure and print; the figures as a dict for ``--json``, of several under ``topologies``."""
    if options.model is not None:
        topology, result, words = _model(options)
        for line in _report(topology, result, _hardware(topology, options.lanes)[1]):
            say(line)
        say(textwrap.fill(f"dead          {words}", 80, subsequent_indent=" " * 14))
        return Outcome(result)
    if options.layers is None or options.paths is None:
        raise InputError("--layers and --paths are required, or a MODEL in their place")
    chosen = shared.names(options.topologies, "--topologies")
    if len(chosen) > 1:
        for name in chosen:
            shared.topology_of(options, name)  # complain before measuring
        results = [_measure(options, name)[1] for name in cli.progress(chosen, desc="quality")]
        say(f"layers      {'-'.join(map(str, results[0]['layers']))}")
        say(f"paths       {','.join(map(str, results[0]['paths']))}\n")
        for line in _table(results):
            say(line)
        return Outcome({"topologies": results})
    topology, result = _measure(options, chosen[0])
    for line in _report(topology, result, _hardware(topology, options.lanes)[1]):
        say(line)
    if chosen[0] == "omitted":
        say(f"omitted       dimensions {','.join(map(str, result['omitted'])) or 'none'}")
    return Outcome(result)
