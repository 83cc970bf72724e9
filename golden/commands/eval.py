"""``sobolpath eval``: the accuracies of a model file; what train and eval both print."""

import time
from argparse import Namespace

from .. import data
from ..machine import model
from ..support import options
from ..support.cli import Parser
from ..support.command import Outcome, Say
from ..training.evaluate import accuracies
from ..training.network import Network
from . import shared

HELP = """\
Run a model file on the held-out images of a data set, with its floats and
with the integers that the hardware computes, and print both accuracies.

  sobolpath eval digits --data digits
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.model(parser)
    options.data(parser)
    options.label(parser)
    options.threads(parser)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Evaluate and print; the figures as a dict for ``--json``. Raises ``InputError``."""
    quantized = model.load(options.model)
    reading = data.Reading(label=options.label, judging=True)
    dataset = data.load_for(quantized, options.data, options.download, reading)
    topology = quantized.topology
    began = time.perf_counter()
    network = Network(topology, quantized.float_weights, quantized.float_biases)
    result = {
        "model": str(options.model),
        "data": dataset.name,
        **shared.facts(topology),
        **shared.data_facts(dataset),
        "images": len(dataset.x_test),
        **accuracies(network, quantized, dataset),
        "seconds": round(time.perf_counter() - began, 3),
    }
    result["duplicates"] = shared.describe(topology, say)
    shared.describe_data(dataset, topology.layers[-1], say)
    shared.report(result, dataset, say)
    return Outcome(result)
