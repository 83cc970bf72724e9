"""``python -m golden eval``: the accuracies of a model file; what train and eval both print."""

import time

import numpy as np

from . import cli, data, engine, model, threads
from .network import Network

PIECE = 2048  # images at a time
HELP = """\
Run a model file on the held-out images of a data set, with its floats and
with the integers that the hardware computes, and print both accuracies.

  python -m golden eval models/digits.npz --data digits
"""


def add_to(commands):
    """Add the command to the subparsers of ``python -m golden``."""
    parser = commands.add_parser("eval", help="accuracy of a file", description=HELP)
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL", help="a model file (.npz)")
    parser.add_argument("--data", required=True, metavar="NAME", help="as for train")
    parser.add_argument("--download", action="store_true", help="as for train")
    threads.argument(parser)
    parser.add_argument("--json", metavar="FILE", help="as for train")


def facts(topology):
    """What ``--json`` says of a topology: a dictionary."""
    names = ("layers", "paths", "dimensions")
    return {name: list(getattr(topology, name)) for name in names}


def describe(topology):
    """Print what the network is; return the duplicate edges of each junction, a list."""
    print(f"layers      {'-'.join(map(str, topology.layers))}")
    print(f"paths       {','.join(map(str, topology.paths))} ({topology.total_paths} weights)")
    if topology.dimensions:
        print(f"dimensions  {','.join(map(str, topology.dimensions))}")
    else:
        print(f"topology    {topology.name}")
    duplicates = [topology.duplicates(junction) for junction in topology.junctions]
    for junction, count in enumerate(duplicates, 1):
        if count:
            print(
                f"warning: {count} of {topology.paths[junction - 1]} edges of junction {junction} "
                "repeat another" + (": try --dimensions" if topology.dimensions else "")
            )
    return duplicates


def infer(function, images, description):
    """The logits of many images: ``function`` of 2,048 at a time, with a bar where that is slow."""
    options = {"desc": description, "unit": "image", "delay": 1}
    with cli.progress(total=len(images), **options) as bar:
        logits = []
        for start in range(0, len(images), PIECE):
            logits.append(function(images[start : start + PIECE]))
            bar.update(len(logits[-1]))
    return np.concatenate(logits)


def float_logits(network, images, scale=data.INPUT_SCALE):
    """The logits of a float network: ``float32`` (B, n_L), one step of an input worth ``scale``."""
    return infer(lambda some: network.infer(some * np.float32(scale)), images, "floats")


def integer_logits(quantized, images):
    """The logits of a model: ``int32`` (B, n_L)."""
    return infer(lambda some: engine.infer(quantized, some), images, "integers")


def float_accuracy(network, dataset, scale=data.INPUT_SCALE):
    """Accuracy of a float network on the held-out images, 0 to 1; ``scale`` is that of an input."""
    logits = float_logits(network, dataset.x_test, scale)
    return float((logits[:, : dataset.classes].argmax(axis=1) == dataset.y_test).mean())


def accuracies(network, quantized, dataset):
    """Accuracy of the floats and of the integers on the held-out images, 0 to 1."""
    classes = engine.classify(quantized, integer_logits(quantized, dataset.x_test))
    return {
        "accuracy_float": float_accuracy(network, dataset, quantized.input_scale),
        "accuracy_int": float((classes == dataset.y_test).mean()),
    }


def report(result, images):
    """Print the accuracies of a result, as of :func:`accuracies`, over that many images."""
    print(f"float       {result['accuracy_float']:.2%} of {images} held-out images")
    if "accuracy_int" in result:
        print(f"integer     {result['accuracy_int']:.2%}")


def run(options):
    """Evaluate and print; the figures as a dict for ``--json``. Raises ``InputError``."""
    quantized = model.load(options.model)
    dataset = data.load(options.data, options.download)
    topology = quantized.topology
    data.check_fits(dataset, topology, quantized.classes)
    began = time.perf_counter()
    network = Network(topology, quantized.float_weights, quantized.float_biases)
    result = {
        "model": str(options.model),
        "data": dataset.name,
        **facts(topology),
        "images": len(dataset.x_test),
        **accuracies(network, quantized, dataset),
        "seconds": round(time.perf_counter() - began, 3),
    }
    result["duplicates"] = describe(topology)
    report(result, len(dataset.x_test))
    return result
