"""``python -m golden``: train a network of paths and quantize it; evaluate a model file."""

import contextlib
import sys
import time

import numpy as np

from . import cli, data, engine, initialize, model, qat, quality_command, quantize, training, zoo
from .errors import InputError
from .network import Network

HELP = """\
The golden model: sparse networks made of Sobol' paths, trained in floats and
quantized to the integers that the hardware computes.

  python -m golden train --help
  python -m golden eval --help
  python -m golden quality --help
  python -m golden zoo --help
"""

TRAIN_HELP = """\
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

EVAL_HELP = """\
Run a model file on the held-out images of a data set, with its floats and
with the integers that the hardware computes, and print both accuracies.

  python -m golden eval models/digits.npz --data digits
"""


def _parser():
    parser = cli.Parser(prog="python -m golden", description=HELP)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="train|eval|quality|zoo"
    )
    defaults = training.Recipe()

    train = commands.add_parser("train", help="train, quantize, write", description=TRAIN_HELP)
    train.set_defaults(run=_train)
    add = train.add_argument
    add("--data", required=True, metavar="NAME", help=data.names())
    add("--download", action="store_true", help=_download())
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
    add("--initialization", default=initialize.RULES[0], metavar="RULE", help=_rules())
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
    add("--qat", type=int, metavar="N", default=0, help=_qat())
    add("--validation", type=int, metavar="N", help="report on N training images set aside")
    add("--json", metavar="FILE", help="write the results as JSON; - is standard output")

    evaluate = commands.add_parser("eval", help="accuracy of a file", description=EVAL_HELP)
    evaluate.set_defaults(run=_eval)
    evaluate.add_argument("model", metavar="MODEL", help="a model file (.npz)")
    evaluate.add_argument("--data", required=True, metavar="NAME", help="as for train")
    evaluate.add_argument("--download", action="store_true", help="as for train")
    evaluate.add_argument("--json", metavar="FILE", help="as for train")
    quality_command.add_to(commands)
    zoo.add_to(commands, run)
    return parser


def _qat():
    return "then N epochs with the integers, at X / 10 (%(default)s)"


def _download():
    return "fetch mnist or fashion from OpenML where it is not found"


def _either():
    return f"{' or '.join(training.OPTIMIZERS)} (%(default)s)"


def _rules():
    return f"how weights start: {', '.join(initialize.RULES)} (%(default)s)"


def _describe(topology):
    """Print what the network is; return the duplicate edges of each junction."""
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


def _accuracies(network, quantized, dataset):
    """Accuracy of the floats and of the integers on the held-out images, 0 to 1."""
    logits = network.infer(dataset.x_test * np.float32(quantized.input_scale))
    hits = engine.classify(quantized, logits) == dataset.y_test
    whole = engine.classify(quantized, engine.infer(quantized, dataset.x_test)) == dataset.y_test
    return float(hits.mean()), float(whole.mean())


def _report(result, images):
    print(f"float       {result['accuracy_float']:.2%} of {images} held-out images")
    if "accuracy_int" in result:
        print(f"integer     {result['accuracy_int']:.2%}")


def _recipe(options):
    if options.qat < 0:
        raise InputError(f"qat must be at least 0 epochs, not {options.qat}")
    names = ("epochs", "batch", "rate", "optimizer", "momentum", "decay", "seed")
    return training.Recipe(**{name: getattr(options, name) for name in names})


def _check_out(topology, out):
    """Raise ``InputError`` unless ``--out`` is given exactly where there will be a model file."""
    if topology.linear and out is None:
        raise InputError("--out FILE is required here (try 'python -m golden train --help')")
    if not topology.linear and out is not None:
        raise InputError(
            f"--out must be left out: there is no model file of {topology.name} paths, which the "
            "hardware cannot run; their float accuracy is printed"
        )


def _train(options):
    recipe = _recipe(options)
    topology = quality_command.topology_of(options)
    _check_out(topology, options.out)
    if options.qat and not topology.linear:
        raise InputError(f"qat must be 0 for {topology.name} paths, which have no integers")
    dataset = data.load(options.data, options.download)
    data.check_fits(dataset, topology)
    if options.validation is not None:
        dataset = data.validation(dataset, options.validation, recipe.seed)
    network = initialize.initialize(topology, options.initialization, recipe.seed)
    duplicates = _describe(topology)
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
    accuracies = dict(
        zip(
            ("accuracy_float", "accuracy_int"),
            _accuracies(network, quantized, dataset),
            strict=True,
        )
    )
    quantized.info.update(accuracies)
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
    _report(result, len(dataset.x_test))
    quantized.save(options.out)
    print(f"wrote       {options.out}")
    return result


def _float_only(network, dataset, info, duplicates, began):
    """Report a network that has no integers: its paths are not the hardware's."""
    logits = network.infer(dataset.x_test * np.float32(data.INPUT_SCALE))
    hits = logits[:, : dataset.classes].argmax(axis=1) == dataset.y_test
    result = {
        "model": None,
        "layers": list(network.topology.layers),
        "paths": list(network.topology.paths),
        "dimensions": [],
        **info,
        "accuracy_float": float(hits.mean()),
        "duplicates": duplicates,
        "seconds": round(time.perf_counter() - began, 3),
    }
    _report(result, len(dataset.x_test))
    print("no model    the hardware runs paths that are linear over GF(2) only")
    return result


def _eval(options):
    quantized = model.load(options.model)
    dataset = data.load(options.data, options.download)
    topology = quantized.topology
    data.check_fits(dataset, topology, quantized.classes)
    began = time.perf_counter()
    network = Network(topology, quantized.float_weights, quantized.float_biases)
    accuracy_float, accuracy_int = _accuracies(network, quantized, dataset)
    result = {
        "model": str(options.model),
        "data": dataset.name,
        "layers": list(topology.layers),
        "paths": list(topology.paths),
        "dimensions": list(topology.dimensions),
        "images": len(dataset.x_test),
        "accuracy_float": accuracy_float,
        "accuracy_int": accuracy_int,
        "seconds": round(time.perf_counter() - began, 3),
    }
    duplicates = _describe(topology)
    result["duplicates"] = duplicates
    _report(result, len(dataset.x_test))
    return result


def run(argv):
    """Parse the command line and run it; with ``--json -`` only the JSON is on standard output."""
    options = _parser().parse_args(argv)
    to_terminal = options.json == "-"
    read = [options.model] if "model" in options else []
    cli.check_writable(getattr(options, "out", None), options.json, read=read)
    with contextlib.redirect_stdout(sys.stderr) if to_terminal else contextlib.nullcontext():
        result = options.run(options)
    if options.json is not None:
        cli.write_json(options.json, result)


if __name__ == "__main__":
    sys.exit(cli.main(run))
