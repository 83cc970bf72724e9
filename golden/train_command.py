"""``python -m golden train``: train a network of paths, quantize it, write a model file."""

import time

import numpy as np

from . import data, initialize, qat, quality_command, quantize, training
from .errors import InputError
from .eval_command import accuracies, describe, report
from .network import Network

HELP = """\
Train a network of Sobol' paths, quantize it to the hardware's integers, and
write one model file. With --topology, of other paths: those that the hardware
cannot run are trained in floats, to compare with, and have no model file.
Layers are neurons, powers of two, inputs first; every junction between two
layers has its own number of paths, a power of two from the wider layer's
neurons to the product of both. Nothing is written if anything fails.

  python -m golden train --data digits --layers 64-128-128-16 \\
      --paths 2048,2048,1024 --out build/digits.npz --seed 0

Choose epochs, rates, ... with --validation: the held-out images stay unseen.

Data but digits come from files: in $SOBOLPATH_DATA, else ../shared/data beside
the checkout, else build/data, where --download keeps what it fetched.
"""


def add_to(commands):
    """Add the command to the subparsers of ``python -m golden``."""
    defaults = training.Recipe()
    parser = commands.add_parser("train", help="train, quantize, write", description=HELP)
    parser.set_defaults(run=run)
    add = parser.add_argument
    data_arguments(parser)
    add("--layers", required=True, metavar="N-N-...", help="neurons, as 64-128-128-16")
    add("--paths", required=True, metavar="N,N,...", help="per junction, as 2048,2048,1024")
    add("--topology", default="sobol", metavar="NAME", help="as in quality --help (%(default)s)")
    add("--dimensions", metavar="D,D,...", help="of Sobol', per layer (0,1,2,...)")
    add("--out", metavar="FILE", help="the model file to write (.npz), if hardware can run it")
    add(
        "--seed",
        type=int,
        metavar="N",
        default=defaults.seed,
        help="of everything random (%(default)s)",
    )
    recipe_arguments(parser, initialize.RULES[0])
    add("--qat", type=int, metavar="N", default=0, help=_qat())
    add("--json", metavar="FILE", help="write the results as JSON; - is standard output")


def data_arguments(parser):
    """Add ``--data``, ``--download`` and ``--validation``: what :func:`dataset_of` reads."""
    add = parser.add_argument
    add("--data", required=True, metavar="NAME", help=data.names())
    add("--download", action="store_true", help=_download())
    add("--validation", type=int, metavar="N", help="report on N training images set aside")


def dataset_of(options, topology, seed):
    """The data set that the options name; ``InputError`` where the topology does not fit it."""
    dataset = data.load(options.data, options.download)
    data.check_fits(dataset, topology)
    if options.validation is not None:
        dataset = data.validation(dataset, options.validation, seed)
    return dataset


def recipe_arguments(parser, initialization):
    """Add ``--initialization``, by default the rule given, and what :func:`recipe_of` reads."""
    defaults, add = training.Recipe(), parser.add_argument
    add("--initialization", default=initialization, metavar="RULE", help=_rules())
    add(
        "--epochs",
        type=int,
        metavar="N",
        default=defaults.epochs,
        help="passes over the data (%(default)s)",
    )
    add(
        "--batch", type=int, metavar="N", default=defaults.batch, help="images a step (%(default)s)"
    )
    add(
        "--rate",
        type=float,
        metavar="X",
        default=defaults.rate,
        help="first learning rate (%(default)s)",
    )
    add("--optimizer", default=defaults.optimizer, metavar="NAME", help=_either())
    add(
        "--momentum",
        type=float,
        metavar="X",
        default=defaults.momentum,
        help="of both optimizers (%(default)s)",
    )
    add(
        "--decay",
        type=float,
        metavar="X",
        default=defaults.decay,
        help="of the weights (%(default)s)",
    )


def recipe_of(options, seed):
    """The :class:`golden.training.Recipe` of the options. Raises ``InputError``."""
    names = ("epochs", "batch", "rate", "optimizer", "momentum", "decay")
    return training.Recipe(**{name: getattr(options, name) for name in names}, seed=seed)


def _qat():
    return "then N epochs with the integers, at X / 10 (%(default)s)"


def _download():
    return "fetch mnist or fashion from OpenML where it is not found"


def _either():
    return f"{' or '.join(training.OPTIMIZERS)} (%(default)s)"


def _rules():
    return f"how weights start: {', '.join(initialize.RULES)} (%(default)s)"


def _check_out(topology, out):
    """Raise ``InputError`` unless ``--out`` is given exactly where there will be a model file."""
    if topology.linear and out is None:
        raise InputError("--out FILE is required here (try 'python -m golden train --help')")
    if not topology.linear and out is not None:
        raise InputError(
            f"--out must be left out: there is no model file of {topology.name} paths, which the "
            "hardware cannot run; their float accuracy is printed"
        )


def run(options):
    """Train, print and write; the figures as a dict for ``--json``. Raises ``InputError``."""
    if options.qat < 0:
        raise InputError(f"qat must be at least 0 epochs, not {options.qat}")
    recipe = recipe_of(options, options.seed)
    topology = quality_command.topology_of(options)
    _check_out(topology, options.out)
    if options.qat and not topology.linear:
        raise InputError(f"qat must be 0 for {topology.name} paths, which have no integers")
    dataset = dataset_of(options, topology, recipe.seed)
    network = initialize.initialize(topology, options.initialization, recipe.seed)
    duplicates = describe(topology)
    began = time.perf_counter()
    samples = dataset.x_train, dataset.y_train, dataset.classes
    loss = training.train(network, *samples, recipe, data.INPUT_SCALE)[-1]
    info = {
        "data": dataset.name,
        "seed": recipe.seed,
        "initialization": options.initialization,
        **{name: getattr(recipe, name) for name in ("epochs", "batch", "rate", "optimizer")},
        **{name: getattr(recipe, name) for name in ("momentum", "decay")},
        "validation": options.validation,
        "qat": options.qat,
        "loss": loss,
    }
    if options.topology != "sobol":
        info["topology"] = options.topology
    if not topology.linear:
        return _float_only(network, dataset, info, duplicates, began)
    if options.qat:
        network, losses = qat.train(network, *samples, recipe, data.INPUT_SCALE, options.qat)
        quantized = network.model(dataset.classes, {**info, "loss_qat": losses[-1]})
        network = Network(topology, network.weights, network.biases)
    else:
        args = dataset.x_train, dataset.classes, data.INPUT_SCALE
        quantized = quantize.quantize(network, *args, info)
    quantized.info.update(accuracies(network, quantized, dataset))
    result = {
        "model": str(options.out),
        "layers": list(topology.layers),
        "paths": list(topology.paths),
        "dimensions": list(topology.dimensions),
        "shifts": list(quantized.shifts),
        **quantized.info,
        "duplicates": duplicates,
        "seconds": round(time.perf_counter() - began, 3),
    }
    report(result, len(dataset.x_test))
    quantized.save(options.out)
    print(f"wrote       {options.out}")
    return result


def float_accuracy(network, dataset):
    """Accuracy of a float network on the held-out images, 0 to 1."""
    logits = network.infer(dataset.x_test * np.float32(data.INPUT_SCALE))
    return float((logits[:, : dataset.classes].argmax(axis=1) == dataset.y_test).mean())


def _float_only(network, dataset, info, duplicates, began):
    """Report a network that has no integers: its paths are not the hardware's."""
    result = {
        "model": None,
        "layers": list(network.topology.layers),
        "paths": list(network.topology.paths),
        "dimensions": [],
        **info,
        "accuracy_float": float_accuracy(network, dataset),
        "duplicates": duplicates,
        "seconds": round(time.perf_counter() - began, 3),
    }
    report(result, len(dataset.x_test))
    print("no model    the hardware runs paths that are linear over GF(2) only")
    return result
