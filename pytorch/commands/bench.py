"""``sobolpath pytorch bench``: what a step of training costs in PyTorch, as paths and as matrices.

Timed is forward and backward of the same network in three ways, in turns; of each the fastest of
several times counts. What else runs on the machine only ever adds. With one thread the time is that
of the processor, which is the same on an idle machine and varies less on another.
"""

import platform
import time
from argparse import Namespace
from typing import Any

from ...golden.support import cli, options, packages, tables
from ...golden.support.cli import Parser
from ...golden.support.command import Outcome, Say
from ...golden.topology.catalogue import build
from ...golden.topology.patterns import check_integer

HELP = """\
Time forward and backward of one network in PyTorch in three ways, on the same
batch in turns: as paths; as matrices times a mask, which have the same edges;
and as matrices without a mask, which have every edge. Each time is the least
of --repeats.

  sobolpath pytorch bench
  sobolpath pytorch bench --layers 512-512-512 --paths 16384,16384 --batch 64

The inputs are noise, and so are the gradients that go backward. PyTorch must be
installed: the extra torch.
"""

MOST = 2**20
COLUMNS = (
    ("", "name", ""),
    ("weights", "weights", ","),
    ("us/step", "step", ",.0f"),
    ("us/image", "image", ".2f"),
    ("to paths", "ratio", ".2f"),
)


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.layers(parser, "512-512")
    options.paths(parser, "16384")
    options.topology(parser)
    what = "images per step (%(default)s)"
    parser.add_argument("--batch", type=int, default=128, metavar="N", help=what)
    options.batches(parser, 20)
    options.repeats(parser, 25, "how often each is timed")
    options.threads(parser)
    options.json(parser)


def _seconds(network, inputs, error, batches):
    """Seconds of one step, forward and backward."""
    import torch

    parameters = list(network.parameters())
    logits = network(inputs)
    error = torch.empty_like(logits).copy_(error)  # in memory as the logits
    logits.backward(error)
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    for _ in range(batches):
        for parameter in parameters:
            parameter.grad = None
        network(inputs).backward(error)
    return (clock() - began) / batches


def measure(networks: dict[str, Any], batch: int, batches: int, repeats: int) -> dict[str, list]:
    """Seconds a step of each of the modules, ``repeats`` times in turns.

    The modules take inputs of the first one's layers, ``batch`` of them in a step; ``batches`` are
    timed together. What goes backward lies in memory as a module's own logits do: as the gradient
    of a loss that is taken element by element.
    """
    import torch

    topology = next(iter(networks.values())).topology
    random = torch.Generator().manual_seed(0)
    inputs, error = (torch.randn(batch, topology.layers[end], generator=random) for end in (0, -1))
    timings = {name: [] for name in networks}
    with cli.progress(total=repeats * len(networks), desc="bench", unit="time") as bar:
        for _ in range(repeats):
            for name, network in networks.items():
                timings[name].append(_seconds(network, inputs, error, batches))
                bar.update()
    return timings


def _compare(options, topology, torch):
    """The three ways as a list for ``--json``, timed with so many threads as the options say."""
    from ..masked import Masked
    from ..network import PathNetwork

    paths = PathNetwork(topology.layers, topology.paths, topology)
    networks = {"paths": paths, "masked": Masked(paths), "dense": Masked(paths, mask=False)}
    before = torch.get_num_threads()
    torch.set_num_threads(options.threads)
    try:
        timings = measure(networks, options.batch, options.batches, options.repeats)
    finally:
        torch.set_num_threads(before)
    every = sum(matrix.numel() for matrix in networks["dense"].matrices)
    weights = {"paths": topology.total_paths, "masked": topology.total_paths, "dense": every}
    return [
        {"name": name, "weights": weights[name], "step_us": min(own) * 1e6, "timings": own}
        for name, own in timings.items()
    ]


def run(options: Namespace, say: Say) -> Outcome:
    """Measure and print; the figures as a dict for ``--json``. Raises ``InputError``."""
    for name, most in (("batch", MOST), ("batches", MOST), ("repeats", 1000)):
        check_integer(getattr(options, name), name, 1, most)
    layers = cli.integers(options.layers, "-", "--layers")
    paths = cli.integers(options.paths, ",", "--paths")
    topology = build(options.topology, layers, paths)
    torch = packages.module("torch", "to time it", "torch")
    ways = _compare(options, topology, torch)
    say(f"network     {options.layers}, paths {options.paths}, {options.topology}")
    say(f"PyTorch     {torch.__version__}, batches of {options.batch}, threads {options.threads}")
    say(f"times       forward and backward, the least of {options.repeats} in turns")
    say("")
    first = ways[0]["step_us"]
    rows = [
        {
            **way,
            "step": way["step_us"],
            "image": way["step_us"] / options.batch,
            "ratio": way["step_us"] / first,
        }
        for way in ways
    ]
    for line in tables.table(COLUMNS, rows):
        say(line)
    names = ("topology", "batch", "batches", "repeats", "threads")
    summary = {
        "layers": list(topology.layers),
        "paths": list(topology.paths),
        **{name: getattr(options, name) for name in names},
        "machine": platform.machine(),
        "torch": torch.__version__,
        "ways": ways,
        "ratio_masked": ways[1]["step_us"] / first,
        "ratio_dense": ways[2]["step_us"] / first,
    }
    return Outcome(summary)
