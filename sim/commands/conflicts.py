"""``sobolpath sim conflicts``: what paths cost on P banks, cycle by cycle, and what they store."""

import textwrap
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sobolpath.golden.errors import InputError, check_name
from sobolpath.golden.support import cli, options, packages, plots, tables
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from ..conflicts import picture as drawing
from ..conflicts.banks import CROSSBARS
from ..conflicts.measure import COMPARED, failures, measure
from ..conflicts.patterns import PATTERNS

PLOT = Path("build/conflicts.svg")

HELP = """\
Show why Sobol' paths: run paths in order on P source and P target banks, cycle
by cycle, and count the cycles per block of P paths (1 is best), the utilization
of the banks, and the bits that must be stored for the connectivity.

  sobolpath sim conflicts
  sobolpath sim conflicts --lanes 8 --queues 1,4,100000 --plot build/deep.png
  sobolpath sim conflicts --layers 64-128-128-16 --paths 2048,2048,1024 \\
      --lanes 4,8,16 --topologies sobol,cascaded,pseudo-random

A column is a depth Q of the queues in front of every bank. "no queue" means
that a block waits for the last path of the block before, with reads and writes
at once (as in sobolpath quality). The plain crossbar gives each target bank one
word per cycle, the buffered one as many as its queue has room for. Layers need
a neuron for every bank. The exit code is 1 if Sobol' paths do not take one
cycle per block, or if a count is below what the busiest bank allows. The
topologies are

""" + "\n".join(f"  {name:<15}{about}" for name, about in PATTERNS.items())


def arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.layers(parser, "1024-256-256-64")
    options.paths(parser, "16384,16384,4096", "paths per junction, or one number for all")
    add(
        "--lanes",
        default="4,8,16,32,64",
        metavar="P,P,...",
        help="banks, one per lane (%(default)s)",
    )
    add("--queues", default="1,2,8", metavar="Q,Q,...", help="depths of the queues (%(default)s)")
    add(
        "--crossbars",
        default=",".join(CROSSBARS),
        metavar="C,C",
        help="the crossbars (%(default)s)",
    )
    options.topologies(parser, ",".join(COMPARED), "which paths to compare")
    options.seed(parser, 1)
    options.plot(parser, "the cycles of a block", PLOT)
    options.json(parser)


def _names(text, known, what):
    names = tuple(text.split(","))
    for name in names:
        check_name(what, name, known)
    return _once(names, what)


def _once(values, what):
    if len(set(values)) < len(values):
        raise InputError(f"{what} must differ, not {','.join(map(str, values))}")
    return values


def _settings(options):
    """The options as keyword arguments of :func:`measure`."""
    layers = cli.integers(options.layers, "-", "--layers")
    paths = cli.integers(options.paths, ",", "--paths")
    return {
        "layers": layers,
        "paths": paths * (len(layers) - 1) if len(paths) == 1 else paths,
        "lanes": _once(cli.integers(options.lanes, ",", "--lanes"), "--lanes"),
        "queues": _once(cli.integers(options.queues, ",", "--queues"), "--queues"),
        "crossbars": _names(options.crossbars, CROSSBARS, "--crossbars"),
        "names": _names(options.topologies, PATTERNS, "--topologies"),
        "seed": options.seed,
    }


def _cell(figures):
    return f"{figures['cycles_per_block']:.2f} {figures['utilization']:4.0%}"


def table(
    results: list[dict[str, Any]], crossbars: Sequence[str], queues: Sequence[int]
) -> Iterator[str]:
    """The lines that a person reads, at most 80 columns."""
    for result in results:
        for crossbar in crossbars:
            yield ""
            yield f"{result['lanes']} lanes, {result['blocks']:,} blocks, {crossbar} crossbar"
            lines = [["", "no queue", *(f"Q={depth}" for depth in queues), "bits/weight"]]
            for pattern in result["patterns"]:
                cells = map(_cell, [pattern["lockstep"], *pattern[crossbar]])
                bits = f"{pattern['index_bits_per_weight']:.2f}"
                lines.append([pattern["name"], *cells, bits])
            yield from tables.grid(lines)
        if result["engine"]:
            yield textwrap.fill(
                "the engine takes {total:,} cycles: {blocks:,} blocks, {fill_and_drain:,} to fill "
                "and drain, {waits:,} to wait for rows to leave; it stores {index_bits:,} bits for "
                "the connectivity".format(**result["engine"]),
                80,
            )


def memory(results: list[dict[str, Any]]) -> Iterator[str]:
    """Lines: the bits stored for the connectivity, by pattern and number of lanes."""
    yield ""
    yield "bits stored for the connectivity, in all"
    lines = [["", *(f"{result['lanes']} lanes" for result in results)]]
    for row, pattern in enumerate(results[0]["patterns"]):
        bits = [result["patterns"][row]["index_bits"] for result in results]
        lines.append([pattern["name"], *(f"{count:,}" for count in bits)])
    yield from tables.grid(lines)


def run(options: Namespace, say: Say) -> Outcome:
    """Simulate, print, draw; the results as a dict for ``--json``, and what is wrong."""
    settings = _settings(options)
    plot = plots.check(options.plot or PLOT, options.json, asked=options.plot is not None)
    results = measure(**settings)
    shape = f"{'-'.join(map(str, settings['layers']))}, {','.join(map(str, settings['paths']))}"
    for line in textwrap.wrap(f"network   {shape} paths", 80, subsequent_indent=" " * 10):
        say(line)
    say(f"seed      {settings['seed']}")
    say("figures   cycles a block and utilization of the banks, by queue depth Q")
    for line in (*table(results, settings["crossbars"], settings["queues"]), *memory(results)):
        say(line)
    say("")
    if plot is None:
        say(f"no picture: it needs matplotlib, {packages.install('plots')}")
    else:
        drawing.draw(plot, results, settings["crossbars"], settings["queues"])
        say(f"picture   {plot}")
    summary = {
        "layers": list(settings["layers"]),
        "paths": list(settings["paths"]),
        "weights": sum(settings["paths"]),
        "seed": settings["seed"],
        "queues": list(settings["queues"]),
        "crossbars": list(settings["crossbars"]),
        "results": results,
    }
    return Outcome(summary, tuple(failures(results, settings["crossbars"])))
