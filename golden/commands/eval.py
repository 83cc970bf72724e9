"""``sobolpath eval``: the accuracies of a model file; what train and eval both print."""

import time
from argparse import Namespace
from typing import Any

from .. import data
from ..machine import model
from ..support import options, tables
from ..support.cli import Parser
from ..support.command import Outcome, Say
from ..training.evaluate import accuracies, by_class, integer_classes
from ..training.network import Network
from . import shared

HELP = """\
Run a model file on the held-out images of a data set, with its floats and
with the integers that the hardware computes, and print both accuracies, and a
line for each class.

  sobolpath eval digits --data digits
  sobolpath eval mine.npz --data others.csv

A file of yours is read as train read its own: a table by the names of its
columns, if it has any. Of the samples that the model was trained on, those that
were held out are judged; of others, all.
"""

MOST = 20  # classes that are listed
LONGEST = 16  # letters of a name
COLUMNS = (
    ("class", "class", ""),
    ("name", "class_name", ""),
    ("images", "images", ","),
    ("right", "right", ","),
    ("share", "share", ".1%"),
    ("mistaken mostly for", "mistaken_for", ""),
)


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
    said = integer_classes(quantized, dataset.x_test)
    result = {
        "model": str(options.model),
        "data": dataset.name,
        **shared.facts(topology),
        **shared.data_facts(dataset),
        "images": len(dataset.x_test),
        **accuracies(network, quantized, dataset, said),
        "classes": by_class(quantized, dataset.y_test, said),
        "seconds": round(time.perf_counter() - began, 3),
    }
    result["duplicates"] = shared.describe(topology, say)
    shared.describe_data(dataset, topology.layers[-1], say)
    shared.report(result, dataset, say)
    for line in table(result["classes"]):
        say(line)
    return Outcome(result)


def table(classes: list[dict[str, Any]]) -> list[str]:
    """Lines of what :func:`golden.training.evaluate.by_class` says; of many classes the worst."""
    rows = [{**row, "share": row["right"] / row["images"]} for row in classes if row["images"]]
    if len(rows) > MOST:
        rows.sort(key=lambda row: row["share"])
    for row in rows:
        row["class_name"] = row["class_name"][:LONGEST]
        row["mistaken_for"] = (row["mistaken_for"] or "-")[:LONGEST]
    named = any(row["class_name"] != str(row["class"]) for row in rows)
    columns = [column for column in COLUMNS if named or column[0] != "name"]
    more = [f"and {len(rows) - MOST} more classes"] if len(rows) > MOST else []
    return ["", *tables.table(columns, rows[:MOST]), *more]
