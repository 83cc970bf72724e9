"""What several commands of the golden model share: options, and what they say of a network."""

import textwrap
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from .. import data
from ..errors import InputError
from ..machine import fitting, registry
from ..machine.model import Model
from ..support import cli, options
from ..support.command import Say
from ..topology.catalogue import build
from ..topology.paths import Paths
from ..training import initialize, loop, signs
from ..training.network import Network

PAD = ": pad it"  # what engines say of a network that is too small
HELD_OUT = f"the share of a file's samples that is held out ({data.reading.HELD_OUT})"
SCALING = f"scale a file's numbers by {', '.join(data.SCALINGS)} (%(default)s)"
RECIPE = (  # the options that golden.training.loop.Recipe is made of: name, unit, what it is
    ("epochs", "N", "passes over the data"),
    ("batch", "N", "images per step"),
    ("rate", "X", "the first learning rate"),
    ("optimizer", "NAME", f"the optimizer, {' or '.join(loop.OPTIMIZERS)}"),
    ("momentum", "X", "momentum, of either optimizer"),
    ("decay", "X", "decay of the weights"),
    ("signs", "NAME", "signs: free, or fixed to train magnitudes only"),
)


def data_arguments(parser: cli.Parser, *, required: bool = True) -> None:
    """Add ``--data``, ``required`` or not, and what else :func:`dataset_of` reads."""
    options.data(parser, required=required, what=data.names())
    options.label(parser)
    add = parser.add_argument
    parser.reads("--test", metavar="FILE", help="a file of the held-out samples")
    add("--held-out", type=float, metavar="X", help=HELD_OUT)
    add("--drop", metavar="COLUMN,...", help="columns of a table that are left out")
    add("--range", metavar="LOW,HIGH", help="the numbers of a file that become 0 and 255")
    add("--shape", metavar="NxN...", help="the shape of a sample that a file has as one row")
    add("--scaling", default="auto", metavar="NAME", help=SCALING)
    what = "set N training images aside and report on them"
    add("--validation", type=int, metavar="N", help=what)


def reading_of(options: Namespace, seed: int) -> data.Reading:
    """What the options tell of a file, for :func:`golden.data.load`. Raises ``InputError``."""
    told = {
        "label": options.label,
        "test": options.test,
        "held_out": options.held_out,
        "seed": seed,
    }
    if options.drop is not None:
        told["drop"] = tuple(options.drop.split(","))
    if options.range is not None:
        told["range"] = cli.floats(options.range, "--range")
        if len(told["range"]) != 2:
            raise InputError(f"--range must be two numbers LOW,HIGH, not {options.range!r}")
    if options.shape is not None:
        told["shape"] = cli.integers(options.shape, "x", "--shape")
    return data.Reading(**told)


def dataset_of(
    options: Namespace,
    topology: Paths,
    seed: int,
    known: Model | None = None,
    pad: bool = False,
) -> data.DataSet:
    """The data set that the options name; ``InputError`` where the topology does not fit it.

    Where training goes on from a model, ``known``, its samples are prepared as those were.
    ``pad`` : with zeros, where the topology has more inputs.
    """
    reading, where = reading_of(options, seed), (options.data, options.download)
    if known is None:
        dataset = data.load(*where, scaling=options.scaling, reading=reading)
    elif options.scaling != "auto":
        raise InputError(f"scaling must be left out, as the model has it, not {options.scaling!r}")
    else:
        dataset = data.load_for(known, *where, reading)
    if pad and dataset.inputs < topology.layers[0]:
        dataset = dataset.widened(topology.layers[0])
    data.check_fits(dataset, topology)
    if options.validation is not None:
        dataset = data.validation(dataset, options.validation, seed)
    return dataset


def recipe_arguments(parser: cli.Parser) -> None:
    """Add ``--initialization``, ``--magnitudes``, and the recipe's.

    Whatever trains with them starts alike by default. The recipe's are those that
    :func:`recipe_of` reads.
    """
    defaults, add = loop.Recipe(), parser.add_argument
    initialization(parser)
    add("--magnitudes", default=initialize.MAGNITUDES[0], metavar="NAME", help=_magnitudes())
    for name, unit, what in RECIPE:
        default = getattr(defaults, name)
        add(f"--{name}", type=type(default), metavar=unit, help=f"{what} ({default})")


def recipe_of(options: Namespace, seed: int) -> loop.Recipe:
    """The :class:`golden.training.loop.Recipe` of the options. Raises ``InputError``."""
    given = {name: getattr(options, name) for name, *_ in RECIPE}
    return loop.Recipe(**{n: value for n, value in given.items() if value is not None}, seed=seed)


def _magnitudes():
    return f"how large weights start: {' or '.join(initialize.MAGNITUDES)} (%(default)s)"


def initialization(parser: cli.Parser) -> None:
    """Add ``--initialization RULE``."""
    rules = ", ".join(signs.RULES)
    what = f"how weights start, and their signs: {rules} (%(default)s)"
    parser.add_argument("--initialization", default=signs.RULES[0], metavar="RULE", help=what)


def describe_signs(network: Network, say: Say) -> list[dict[str, Any]]:
    """Tell how balanced the signs of the weights are: what :func:`signs.balance` says of them."""
    topology = network.topology
    found = signs.balance(topology, network.weights)
    say(f"signs       {signs.describe(found)}")
    single = signs.single(topology, found)
    if single is not None:
        warn(f"{single}: --initialization {signs.RULES[0]} gives every neuron both", say)
    return found


def network_arguments(parser: cli.Parser, *, required: bool = True) -> None:
    """Add ``--layers``, ``--paths``, ``--dimensions`` and ``--seed``: :func:`topology_of` reads.

    ``required`` : the first two, where nothing else can tell.
    """
    options.layers(parser, required=required)
    options.paths(parser, required=required)
    options.dimensions(parser)
    options.seed(parser)


def names(text: str, option: str, least: int = 1) -> list[str]:
    """The names in ``text``, joined by commas, a list. Raises ``InputError``: ``option`` is named.

    At least ``least`` of them, none twice.
    """
    found = text.split(",")
    if len(set(found)) < max(len(found), least):
        raise InputError(
            f"{option} must be {least} or more names joined by ',', none twice, not {text!r}"
        )
    return found


def topology_of(options: Namespace, name: str, engine: Any = None) -> Paths:
    """The topology called ``name`` of the network that the options describe.

    It is padded to what ``engine`` needs where one is given. Raises ``InputError``.
    """
    dimensions = options.dimensions
    layers = cli.integers(options.layers, "-", "--layers")
    paths = cli.integers(options.paths, ",", "--paths")
    if engine is not None:
        layers, paths = fitting.padded(layers, paths, engine)
    return build(
        name,
        layers,
        paths,
        seed=options.seed,
        dimensions=None if dimensions is None else cli.integers(dimensions, ",", "--dimensions"),
    )


def fits(topology: Paths, say: Say, padded: bool = False) -> dict[str, Any]:
    """Tell which engines a topology fits, and why not the others; that for ``--json``.

    ``padded`` : whether it is padded for one already. Nothing where no engine is known.
    """
    misfits = {name: fitting.misfit(topology, engine) for name, engine in registry.known().items()}
    if not misfits:
        return {}
    good = [name for name, reason in misfits.items() if reason is None]
    reasons = {name: reason for name, reason in misfits.items() if reason is not None}

    def show(title, text):
        say(textwrap.fill(f"{title:<12}{text}", 80, subsequent_indent=" " * 12))

    show("fits", ", ".join(good) or "no board and no configuration")
    for reason in dict.fromkeys(reasons.values()):
        own = ", ".join(name for name in reasons if reasons[name] == reason)
        show("fits not", f"{own}: {reason.removesuffix(PAD)}")
    if not padded and any(reason.endswith(PAD) for reason in reasons.values()):
        show("", "--fit NAME pads the network for one of them")
    return {"fits": good, "misfits": reasons}


def check_engine(topology: Paths, name: str, engine: Any) -> None:
    """Raise ``InputError`` where a topology does not fit the engine of that name."""
    reason = fitting.misfit(topology, engine)
    if reason is not None:
        raise InputError(f"the network must fit {name}: {reason}")


def facts(topology: Paths) -> dict[str, Any]:
    """What ``--json`` says of a topology: a dictionary."""
    names = ("layers", "paths", "dimensions")
    facts = {name: list(getattr(topology, name)) for name in names}
    return {**facts, "weights": topology.total_paths}


def warn(text: str, say: Say) -> None:
    """Tell a warning, in lines of at most 80 columns."""
    say(textwrap.fill(f"warning: {text}", 80, subsequent_indent=" " * 9))


def describe_data(dataset: data.DataSet, outputs: int, say: Say) -> None:
    """Tell how the samples became inputs, what classes are called, and what is odd.

    ``outputs`` : of the network, which may be more than there are classes.
    """
    facts = list(dataset.facts)
    if dataset.preparation is not None:
        more = f"padded to {outputs} outputs" if outputs > dataset.classes else "as many outputs"
        facts.append(("sizes", f"{dataset.preparation.padding}, {dataset.classes} classes {more}"))
        facts.append(("scaling", str(dataset.preparation)))
    if dataset.labels is not None:
        names = ", ".join(map(str, dataset.labels))
        facts.append(("classes", f"0 to {dataset.classes - 1} are {names}"))
    for title, text in facts:
        say(textwrap.fill(f"{title:<12}{text}", 80, subsequent_indent=" " * 12))
    for warning in dataset.warnings:
        warn(warning, say)


def data_facts(dataset: data.DataSet) -> dict[str, Any]:
    """What ``--json`` says of how samples became inputs: a dictionary."""
    known = dataset.preparation
    return {
        "scaling": None if known is None else known.kind,
        "labels": None if dataset.labels is None else list(dataset.labels),
        "warnings": list(dataset.warnings),
    }


def describe(topology: Paths, say: Say) -> list[int]:
    """Tell what the network is; return the duplicate edges of each junction, a list."""
    say(f"layers      {'-'.join(map(str, topology.layers))}")
    say(f"paths       {','.join(map(str, topology.paths))} ({topology.total_paths} weights)")
    if topology.dimensions:
        say(f"dimensions  {','.join(map(str, topology.dimensions))}")
    else:
        say(f"topology    {topology.name}")
    duplicates = [topology.duplicates(junction) for junction in topology.junctions]
    for junction, count in enumerate(duplicates, 1):
        if count:
            say(
                f"warning: {count} of {topology.paths[junction - 1]} edges of junction {junction} "
                "repeat another" + (": try --dimensions" if topology.dimensions else "")
            )
    return duplicates


def report(result: Mapping[str, Any], dataset: data.DataSet, say: Say) -> None:
    """Tell the accuracies of a result on what a data set has to judge by."""
    images = f"{len(dataset.x_test)} {dataset.judged} images"
    say(f"float       {result['accuracy_float']:.2%} of {images}")
    if "accuracy_int" in result:
        say(f"integer     {result['accuracy_int']:.2%}")
