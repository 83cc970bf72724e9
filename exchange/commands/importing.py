"""``sobolpath import``: a network of others, in ONNX or QONNX, as a model file."""

import time
from argparse import Namespace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from sobolpath.golden import data
from sobolpath.golden.commands import shared
from sobolpath.golden.data import DataSet, Preparation
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import fitting, registry
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.golden.training.evaluate import integer_logits

from .. import dense
from ..inputs import Inputs
from ..reader import read
from . import making, telling

HELP = """\
Read a chain of dense layers from an ONNX or QONNX file (Gemm, MatMul, Add,
Relu, Clip, Quant, BatchNormalization, Flatten and what exporters put around
them), and write it as a model file. Dense layers become junctions in which
every edge is a path, padded to powers of two.

A network in floats is quantized on the training samples of --data. A quantized
one keeps its own integers, where the engine has them: scales that are powers of
two, weights of int8, activations of 8 bits without a sign. Where it rounds
halves to even, it is said how many values differ on the data. Otherwise it is
quantized anew and the error is said, or refused with --exact.

  sobolpath import net.onnx --data digits --out build/net.npz

--inputs LOW,HIGH says what the least and the largest number of a sample are to
the network. Without it bytes are 0 to 1, and other numbers what they are.

Weights that are 0 are paths like others: a foreign mask is no Sobol' mask. With
--sparsify N,N,... the network is trained again with so many paths per junction,
starting with the weights that those paths meet, by the options of train.
"""


def arguments(parser: cli.Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    parser.reads("net", metavar="NET", help="the file to read, .onnx")
    options.out(parser, "the model file to write (.npz)")
    shared.data_arguments(parser, required=False)
    add("--inputs", metavar="LOW,HIGH", help="the least and largest number, to the network")
    options.fit(parser)
    add("--exact", action="store_true", help="refuse what is not the network's own integers")
    add("--sparsify", metavar="N,N,...", help="train again with so many paths per junction")
    shared.recipe_arguments(parser)
    options.seed(parser)
    options.threads(parser)
    options.json(parser)


def _ends(text, preparation):
    """What the least and the largest number of a sample are to the network."""
    least, largest = np.array(preparation.least), np.array(preparation.largest)
    if text is None:
        return (0.0, 1.0) if preparation.kind == "bytes" else (least, largest)
    try:
        low, high = (float(each) for each in text.split(","))
    except ValueError:
        low = high = np.nan
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"--inputs must be two numbers, the lower first: LOW,HIGH, not {text!r}")
    return low, high


def _check(options):
    """Raise ``InputError`` where options contradict each other, before any work."""
    if Path(options.out).suffix != ".npz":
        wanted = Path(options.out).with_suffix(".npz")
        raise InputError(f"--out must be a file named .npz, not {options.out!r}: try {wanted}")
    if options.sparsify is not None and options.exact:
        raise InputError("--exact must be left out with --sparsify, which trains other weights")
    if options.sparsify is not None and options.data is None:
        raise InputError("--data is required with --sparsify, to train on")


def _dataset(options, chain, preparation=None) -> DataSet | None:
    """The data set of the options, with its own preparation unless another is given."""
    if options.data is None:
        return None
    more = {"scaling": options.scaling} if preparation is None else {"preparation": preparation}
    reading = shared.reading_of(options, options.seed)
    found = data.load(options.data, options.download, reading=reading, **more)
    if found.classes != chain.widths[-1]:
        raise InputError(
            f"the network must have the {found.classes} classes of {found.name}, "
            f"not {chain.widths[-1]}"
        )
    if options.validation is not None:
        found = data.validation(found, options.validation, options.seed)
    return found


def _accuracy(logits, dataset):
    return float((logits[:, : dataset.classes].argmax(axis=1) == dataset.y_test).mean())


def run(options: Namespace, say: Say) -> Outcome:
    """Read, report and write; the figures as a dict for ``--json``. Raises ``InputError``."""
    _check(options)
    recipe = shared.recipe_of(options, options.seed)
    began = time.perf_counter()
    engine = None if options.fit is None else registry.named(options.fit)
    chain = read(options.net)
    dataset = _dataset(options, chain)
    preparation = None if dataset is None else dataset.preparation
    if preparation is None:
        preparation = Preparation.of_bytes((chain.widths[0],))
    ends = _ends(options.inputs, preparation)
    inputs = Inputs.between(preparation, chain.widths[0], *ends)
    if chain.quantized:
        inputs = inputs.quantized(chain)
    if inputs.preparation is not preparation:
        dataset = _dataset(options, chain, inputs.preparation)
    widths = dense.layers(chain, preparation.inputs)
    if engine is not None:
        counts = tuple(n * m for n, m in pairwise(widths))
        widths = fitting.padded(widths, counts, engine)[0]
        inputs = inputs.widened(widths[0])
        dataset = dataset and dataset.widened(widths[0])
    telling.layers(chain, widths, say)
    result: dict[str, Any] = {"net": str(options.net), "model": str(options.out)}
    result |= {"widths": list(chain.widths), "weights_before": chain.weights}
    result |= {"notes": list(chain.notes), "zeros": telling.zeros(chain, say)}
    info: dict[str, Any] = {"imported": Path(options.net).name, "seed": options.seed}
    if dataset is not None:
        info["data"] = dataset.name
        if dataset.origin:
            info["origin"] = dict(dataset.origin)
        wanted = chain.activations(inputs.floats(dataset.x_test))[-1]
        result["accuracy_before"] = _accuracy(wanted, dataset)
    labels = chain.labels if dataset is None else dataset.labels
    if labels is not None and tuple(labels) != tuple(range(chain.widths[-1])):
        info["labels"] = list(labels)
    taught = None if options.sparsify is None else dataset  # which _check has asked for
    if taught is not None:
        model = making.sparsified(options, recipe, chain, widths, inputs, taught, info, say)
    else:
        model, more = making.dense_paths(options, chain, widths, inputs, dataset, info, say)
        result |= more
    topology = model.topology
    if engine is not None:
        shared.check_engine(topology, str(options.fit), engine)
    result |= {**shared.facts(topology), **shared.fits(topology, say, engine is not None)}
    if dataset is not None:
        logits = integer_logits(model, dataset.x_test)
        result["accuracy_int"] = _accuracy(logits, dataset)
        model.info["accuracy_int"] = result["accuracy_int"]
        images = f"{len(dataset.x_test)} {dataset.judged} images"
        say(f"before      {result['accuracy_before']:.2%} of {images}, as it was")
        say(f"integers    {result['accuracy_int']:.2%}")
        if options.sparsify is None:
            result["error"] = telling.error(wanted, logits[:, : dataset.classes])
            say(f"error       {result['error']:.3%} of the logits, rms")
    result["info"] = dict(model.info)
    result["seconds"] = round(time.perf_counter() - began, 3)
    model.save(options.out)
    say(f"wrote       {options.out}")
    return Outcome(result)
