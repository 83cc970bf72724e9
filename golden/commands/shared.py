"""What several commands of the golden model share: their options, and how they print a network."""

from .. import data
from ..errors import InputError
from ..support import cli
from ..topology.catalogue import build
from ..training import initialize, loop

DOWNLOAD = "fetch mnist or fashion from OpenML where it is not found"
RECIPE = (  # the options that golden.training.loop.Recipe is made of: name, unit, what it is
    ("epochs", "N", "passes over the data"),
    ("batch", "N", "images per step"),
    ("rate", "X", "the first learning rate"),
    ("optimizer", "NAME", f"the optimizer, {' or '.join(loop.OPTIMIZERS)}"),
    ("momentum", "X", "momentum, of either optimizer"),
    ("decay", "X", "decay of the weights"),
    ("signs", "NAME", "signs: free, or fixed to train magnitudes only"),
)


def data_arguments(parser):
    """Add ``--data``, ``--download`` and ``--validation``: what :func:`dataset_of` reads."""
    add = parser.add_argument
    parser.reads("--data", required=True, metavar="NAME", help=data.names())
    add("--download", action="store_true", help=DOWNLOAD)
    add(
        "--validation", type=int, metavar="N", help="set N training images aside and report on them"
    )


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
    defaults, add = loop.Recipe(), parser.add_argument
    add("--initialization", default=initialization, metavar="RULE", help=_rules())
    add("--magnitudes", default=initialize.MAGNITUDES[0], metavar="NAME", help=_magnitudes())
    for name, unit, what in RECIPE:
        default = getattr(defaults, name)
        text = f"{what} (%(default)s)"
        add(f"--{name}", type=type(default), metavar=unit, default=default, help=text)


def recipe_of(options, seed):
    """The :class:`golden.training.loop.Recipe` of the options. Raises ``InputError``."""
    return loop.Recipe(**{name: getattr(options, name) for name, *_ in RECIPE}, seed=seed)


def _magnitudes():
    return f"how large weights start: {' or '.join(initialize.MAGNITUDES)} (%(default)s)"


def _rules():
    return f"how weights start, and their signs: {', '.join(initialize.RULES)} (%(default)s)"


def topology_arguments(parser):
    """Add ``--topology``, ``--layers``, ``--paths``, ``--dimensions`` and ``--seed``."""
    add = parser.add_argument
    add("--topology", default="sobol", metavar="NAME,...", help="which paths (%(default)s)")
    add(
        "--layers",
        required=True,
        metavar="N-N-...",
        help="neurons per layer, such as 64-128-128-16",
    )
    add(
        "--paths",
        required=True,
        metavar="N,N,...",
        help="paths per junction, such as 2048,2048,1024",
    )
    add("--dimensions", metavar="D,D,...", help="Sobol' dimension per layer (0,1,2,...)")
    add("--seed", type=int, default=0, metavar="N", help="seed of all that is random (%(default)s)")


def names(text, option, least=1):
    """The names in ``text``, joined by commas, a list. Raises ``InputError``: ``option`` is named.

    At least ``least`` of them, none twice.
    """
    found = text.split(",")
    if len(set(found)) < max(len(found), least):
        raise InputError(
            f"{option} must be {least} or more names joined by ',', none twice, not {text!r}"
        )
    return found


def topology_of(options, name=None):
    """The topology that :func:`arguments` describe, or ``name`` in place of its ``--topology``.

    Raises ``InputError``.
    """
    dimensions = options.dimensions
    return build(
        options.topology if name is None else name,
        cli.integers(options.layers, "-", "--layers"),
        cli.integers(options.paths, ",", "--paths"),
        seed=options.seed,
        dimensions=None if dimensions is None else cli.integers(dimensions, ",", "--dimensions"),
    )


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


def report(result, images):
    """Print the accuracies of a result, as of :func:`accuracies`, over that many images."""
    print(f"float       {result['accuracy_float']:.2%} of {images} held-out images")
    if "accuracy_int" in result:
        print(f"integer     {result['accuracy_int']:.2%}")
