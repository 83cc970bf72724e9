"""``python -m golden train``: train a network of paths, quantize it, write a model file."""

import time

from . import (
    data,
    growth,
    initialize,
    model,
    nested,
    qat,
    quality_command,
    quantize,
    threads,
    training,
)
from .errors import InputError
from .eval_command import accuracies, describe, facts, float_accuracy, report
from .network import Network

HELP = """\
Train a network of Sobol' paths, quantize it to the hardware's integers, and
write one model file. With --topology (listed in quality --help), of other
paths: those that the hardware cannot run are trained in floats, to compare
with, and have no model file. With --signs fixed every path keeps the sign
that it starts with, and only magnitudes learn.
Layers are neurons, powers of two, inputs first; every junction between two
layers has its own number of paths, a power of two from the wider layer's
neurons to the product of both. Nothing is written if anything fails. All
that is random goes by --seed: paths, first weights, the order of the images.
With --extend training starts as the network of a model file, which has the
same layers and as many paths or fewer: it keeps them, and new paths start at 0.
With --nested N the network is good when cut to its first N, 2 N, 4 N, ... paths
a junction too, with the same weights and biases: see python -m sim grow.

  python -m golden train --data digits --layers 64-128-128-16 \\
      --paths 2048,2048,1024 --out build/digits.npz --seed 0

Choose epochs, rates, ... with --validation: the held-out images stay unseen.

Data but digits come from files: in $SOBOLPATH_DATA, else ../shared/data beside
the checkout, else build/data, where --download keeps what it fetched.
"""

RECIPE = (  # the options that golden.training.Recipe is made of: name, unit, what it is
    ("epochs", "N", "passes over the data"),
    ("batch", "N", "images a step"),
    ("rate", "X", "first learning rate"),
    ("optimizer", "NAME", " or ".join(training.OPTIMIZERS)),
    ("momentum", "X", "of both optimizers"),
    ("decay", "X", "of the weights"),
    ("signs", "NAME", "free, or fixed: train magnitudes only"),
)
# Options that a model file mentions only where they are not these.
UNSAID = {"topology": "sobol", "magnitudes": initialize.MAGNITUDES[0], "signs": training.SIGNS[0]}


def add_to(commands):
    """Add the command to the subparsers of ``python -m golden``."""
    parser = commands.add_parser("train", help="train, quantize, write", description=HELP)
    parser.set_defaults(run=run)
    add = parser.add_argument
    data_arguments(parser)
    quality_command.arguments(parser)
    add("--out", metavar="FILE", help="the model file to write (.npz), if hardware can run it")
    recipe_arguments(parser, initialize.RULES[0])
    add("--extend", metavar="MODEL", help="start as this network, with more paths or as many")
    add("--nested", type=int, metavar="N", help="also when cut to N, 2 N, ... paths a junction")
    add("--qat", type=int, metavar="N", default=0, help=_qat())
    threads.argument(parser)
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
    """Add ``--initialization``, by default the rule given, ``--magnitudes``, and the recipe's.

    The recipe's are those that :func:`recipe_of` reads.
    """
    defaults, add = training.Recipe(), parser.add_argument
    add("--initialization", default=initialization, metavar="RULE", help=_rules())
    add("--magnitudes", default=initialize.MAGNITUDES[0], metavar="NAME", help=_magnitudes())
    for name, unit, what in RECIPE:
        default = getattr(defaults, name)
        text = f"{what} (%(default)s)"
        add(f"--{name}", type=type(default), metavar=unit, default=default, help=text)


def recipe_of(options, seed):
    """The :class:`golden.training.Recipe` of the options. Raises ``InputError``."""
    return training.Recipe(**{name: getattr(options, name) for name, *_ in RECIPE}, seed=seed)


def _qat():
    return "then N epochs with the integers, at X / 10 (%(default)s)"


def _download():
    return "fetch mnist or fashion from OpenML where it is not found"


def _magnitudes():
    return f"{' or '.join(initialize.MAGNITUDES)}, beside the rule's signs (%(default)s)"


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


def _start(options, topology, dataset):
    """The network as it is before training, and what a model file says of that, a dictionary."""
    network = initialize.initialize(
        topology, options.initialization, options.seed, options.magnitudes
    )
    if options.extend is None:
        return network, {}
    smaller = model.load(options.extend)
    data.check_fits(dataset, smaller.topology, smaller.classes)
    trained = Network(smaller.topology, smaller.float_weights, smaller.float_biases)
    zeros = [0 * weights for weights in network.weights]  # of the rule's signs, for fixed ones
    extended = growth.extend(trained, topology, zeros)
    return extended, {"extended": list(smaller.topology.paths)}


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
    network, extended = _start(options, topology, dataset)
    duplicates = describe(topology)
    began = time.perf_counter()
    samples = dataset.x_train, dataset.y_train, dataset.classes
    trained = nested.of(network, options.nested)
    loss = training.train(trained, *samples, recipe, data.INPUT_SCALE)[-1]
    info = {
        "data": dataset.name,
        "seed": recipe.seed,
        "initialization": options.initialization,
        **{name: getattr(recipe, name) for name, *_ in RECIPE if name not in UNSAID},
        "validation": options.validation,
        "qat": options.qat,
        "loss": loss,
        **extended,
    }
    for name, unsaid in UNSAID.items():
        if getattr(options, name) != unsaid:
            info[name] = getattr(options, name)
    if not topology.linear:
        return _float_only(network, dataset, info, duplicates, began)
    if options.qat:
        scale_and_how = data.INPUT_SCALE, options.qat, options.nested
        network, losses = qat.train(network, *samples, recipe, *scale_and_how)
        quantized = network.model(dataset.classes, {**info, "loss_qat": losses[-1]})
        network = Network(topology, network.weights, network.biases)
    else:
        args = dataset.x_train, dataset.classes, data.INPUT_SCALE
        quantized = quantize.quantize(network, *args, info)
    quantized.info.update(accuracies(network, quantized, dataset))
    if options.nested is not None:
        quantized.info["nested"] = _nested(network, quantized, dataset, options.nested)
    result = {
        "model": str(options.out),
        **facts(topology),
        "shifts": list(quantized.shifts),
        **quantized.info,
        "duplicates": duplicates,
        "seconds": round(time.perf_counter() - began, 3),
    }
    report(result, len(dataset.x_test))
    for row in result.get("nested", ()):
        print(
            "{paths:>6} paths float {accuracy_float:.2%}, integer {accuracy_int:.2%}".format(**row)
        )
    quantized.save(options.out)
    print(f"wrote       {options.out}")
    return result


def _nested(network, quantized, dataset, smallest):
    """The accuracies of a nested network at every number of paths, a dictionary each."""
    rows = []
    for count in nested.sizes(network.topology, smallest):
        small = nested.cut(quantized, count)
        found = accuracies(network.first(small.topology), small, dataset)
        rows.append({"paths": count, **found})
    return rows


def _float_only(network, dataset, info, duplicates, began):
    """Report a network that has no integers: its paths are not the hardware's."""
    result = {
        "model": None,
        **facts(network.topology),
        **info,
        "accuracy_float": float_accuracy(network, dataset),
        "duplicates": duplicates,
        "seconds": round(time.perf_counter() - began, 3),
    }
    report(result, len(dataset.x_test))
    print("no model    the hardware runs paths that are linear over GF(2) only")
    return result
