"""``sobolpath train``: train a network of paths, quantize it, write a model file."""

import textwrap
import time
from argparse import Namespace
from pathlib import Path

from .. import data
from ..errors import InputError, check_name
from ..machine import model, registry
from ..support import cli, options
from ..support.cli import Parser
from ..support.command import Outcome, Say
from ..training import dead, growing, growth, initialize, loop, nested, qat, quantize
from ..training.evaluate import accuracies, float_accuracy
from ..training.network import Network
from . import learning, shared

ARITHMETICS = ("float", "chip")
HELP = """\
Train a network of Sobol' paths, quantize it to the hardware's integers, and
write one model file. Nothing is written if anything fails.

--layers gives the neurons of each layer, powers of two, inputs first. Every
junction between two layers has its own number of --paths, a power of two from
the wider layer's neurons to the product of both. --topology takes other paths
(listed in quality --help): those that the hardware cannot run are trained in
floats, to compare with, and have no model file. All that is random follows
from --seed: paths, first weights, the order of the images.

Weights start with signs by the rule of --initialization. balanced has as many
+ as - at every neuron. The others of the paper: halves, the first paths +;
ratio:0.6 or ratio:0.5,0.6,0.5, so many of all, or of each junction; parity,
even paths +; dimension:5, + where that Sobol' dimension is below 1/2. What
they come to at the neurons is said. With --magnitudes norm:2 the weights into
every neuron have a 2-norm of one. With --signs fixed every path keeps the sign
that it starts with, and only magnitudes learn.

With --extend training starts as the network of a model file, which has the
same layers and as many paths or fewer. It keeps those, and new paths start at
0. With --nested N the network is also good when it is cut to its first N, 2 N,
4 N, ... paths per junction, with the same weights and biases (sobolpath sim
grow). With --grow-at 21,41 training starts with a quarter of the --paths, and
the paths double at the start of epochs 21 and 41. With --bits 4 weights are
integers from -7 to 7, and the hardware runs them as any others; below 5 bits
add some epochs of --qat.

  sobolpath train --data digits --layers 64-128-128-16 \\
      --paths 2048,2048,1024 --out build/digits.npz --seed 0

With --arithmetic chip the network learns in integers, as a chip could: image
by image, in 16-bit weights of which inference sees the high byte. --rate is
then a power of two, which is halved after every --halve epochs, and --extend
goes on exactly where a model file of its own stopped (docs/learning.md).

  sobolpath train --data digits --layers 64-128-128-16 --arithmetic chip \\
      --paths 2048,2048,1024 --out build/digits.npz

Choose epochs, rates and the like with --validation, so that the held-out images
stay unseen.

All data sets except digits come from files: in $SOBOLPATH_DATA, else in
../shared/data beside the checkout, else in the user's cache folder, where
--download keeps what it fetched. A file of yours is a table (.csv, .tsv: a row
a sample, and a column of labels, --label), a .npz file with x_train,
y_train, x_test and y_test, or x and y alone, or a folder of pictures for each
class. Where there are no held-out samples, --test names a file of them, or a
share of every class is held out (--held-out). Samples are vectors or images,
with their channels first or last. Where they are rows of a table, every feature
is scaled by itself; images have one scale, and bytes stay as they are;
--scaling feature or common asks for one of the first two, and --range says
which numbers become 0 and 255. Labels are whole numbers, strings, or one-hot
rows. The model file keeps all of that, so that eval and sim run read other
samples alike, and judge by what was held out.

Before it trains it says which boards and configurations the network fits. With
--fit NAME layers and paths are padded to what one of them needs: to powers of
two, and to a neuron for every lane.
"""

# Options that a model file mentions only where they are not these.
UNSAID = {
    "topology": "sobol",
    "magnitudes": initialize.MAGNITUDES[0],
    "signs": loop.SIGNS[0],
    "bits": quantize.BITS,
}


def arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    shared.data_arguments(parser)
    options.topology(parser)
    shared.network_arguments(parser)
    what = "the model file to write (.npz), where the hardware can run it"
    options.out(parser, what, required=False)
    shared.recipe_arguments(parser)
    parser.reads(
        "--extend", metavar="MODEL", help="start as this network, which has as many paths or fewer"
    )
    options.fit(parser)
    add("--arithmetic", default="float", metavar="NAME", help=_arithmetics())
    what = "with chip: epochs after which the rate is halved (a third of --epochs)"
    options.halve(parser, what)
    what = "start with fewer paths, and double them at the start of these epochs"
    add("--grow-at", metavar="EPOCH,...", help=what)
    add("--nested", type=int, metavar="N", help="train for N, 2 N, ... paths per junction at once")
    what = "bits of a weight, 2 to 8, in the hardware's int8 (%(default)s)"
    add("--bits", type=int, metavar="N", default=quantize.BITS, help=what)
    add("--qat", type=int, metavar="N", default=0, help=_qat())
    options.threads(parser)
    options.json(parser)


def _arithmetics():
    return f"what learns: {' or '.join(ARITHMETICS)} (%(default)s)"


def _qat():
    return "N more epochs with the hardware's integers, rate X / 10 (%(default)s)"


def _check_out(topology, out):
    """Raise ``InputError`` unless ``--out`` is given exactly where there will be a model file."""
    if topology.linear and out is None:
        raise InputError("--out FILE is required here (try 'sobolpath train --help')")
    if not topology.linear and out is not None:
        raise InputError(
            f"--out must be left out: there is no model file of {topology.name} paths, which the "
            "hardware cannot run; their float accuracy is printed"
        )
    if out is not None and Path(out).suffix != ".npz":
        wanted = Path(out).with_suffix(".npz")
        raise InputError(f"--out must be a file named .npz, not {out!r}: try {wanted}")


def _start(options, stages, dataset, smaller):
    """The network of each stage before training, and what a model file says of that, a dictionary.

    ``smaller`` : the model that it goes on from, ``None`` where it begins anew.
    """
    how = options.initialization, options.seed, options.magnitudes
    networks = [initialize.initialize(stage.topology, *how) for stage in stages]
    if smaller is None:
        return networks, {}
    data.check_fits(dataset, smaller.topology, smaller.classes)
    trained = Network(smaller.topology, smaller.float_weights, smaller.float_biases)
    zeros = [0 * weights for weights in networks[0].weights]  # of the rule's signs, for fixed ones
    networks[0] = growth.extend(trained, stages[0].topology, zeros)
    return networks, {"extended": list(smaller.topology.paths)}


def _stages(options, topology, epochs, smaller):
    """The :class:`golden.training.growing.Stage`s, those of a network that does not grow too."""
    at = () if options.grow_at is None else cli.integers(options.grow_at, ",", "--grow-at")
    kept = None
    if smaller is not None:
        growth.check_extends(smaller.topology, topology)
        kept = smaller.topology.paths
    stages = growing.stages(topology, at, epochs, kept)
    if options.signs == "fixed":
        growing.check_signs(stages, options.initialization)
    return stages


def _grown(stages, epochs, say):
    """Tell how the network grows; what a model file says of that, a dictionary."""
    if len(stages) == 1:
        return {}
    text = "".join(f"{_paths(stage)} from epoch {stage.epoch}, " for stage in stages)
    share = f"{growing.mean_paths(stages, epochs) / stages[-1].topology.total_paths:.0%}"
    say(
        textwrap.fill(
            f"growth      {text}{share} of all paths on average", 80, subsequent_indent=" " * 12
        )
    )
    return {"grown": [{"epoch": s.epoch, "paths": list(s.topology.paths)} for s in stages]}


def _paths(stage):
    return ",".join(map(str, stage.topology.paths))


def run(options: Namespace, say: Say) -> Outcome:
    """Train, print and write; the figures as a dict for ``--json``. Raises ``InputError``."""
    if options.qat < 0:
        raise InputError(f"qat must be at least 0 epochs, not {options.qat}")
    quantize.limit_of(options.bits)  # complains
    check_name("arithmetic", options.arithmetic, ARITHMETICS)
    recipe = shared.recipe_of(options, options.seed)
    engine = None if options.fit is None else registry.named(options.fit)
    topology = shared.topology_of(options, options.topology, engine)
    _check_out(topology, options.out)
    for name, unsaid in (("qat", 0), ("bits", quantize.BITS)):
        if getattr(options, name) != unsaid and not topology.linear:
            raise InputError(
                f"{name} must be {unsaid} for {topology.name} paths, which have no integers"
            )
    if engine is not None:
        shared.check_engine(topology, str(options.fit), engine)
    known = None if options.extend is None else model.load(options.extend)
    course = learning.course_of(options, topology, recipe, known)
    stages = _stages(options, topology, recipe.epochs, known)
    dataset = shared.dataset_of(options, topology, recipe.seed, known, pad=engine is not None)
    networks, extended = _start(options, stages, dataset, known)
    shared.describe_data(dataset, topology.layers[-1], say)
    duplicates = shared.describe(topology, say)
    fits = shared.fits(topology, say, engine is not None) if topology.linear else {}
    balance = shared.describe_signs(networks[0], say) if known is None else None
    grown = _grown(stages, recipe.epochs, say)
    began = time.perf_counter()
    info = {**_info(options, recipe, dataset), **extended, **grown}
    if course is not None:
        say(f"learning    {course}")
        network, quantized = learning.train(networks[0], dataset, course, recipe.signs, info, known)
    else:
        network, quantized = _train(options, recipe, stages, networks, dataset, info)
    if quantized is None:
        found = {"duplicates": duplicates, "balance": balance}
        return Outcome(_float_only(network, dataset, info, found, began, say))
    quantized.info.update(accuracies(network, quantized, dataset))
    found = dead.measure(quantized, dataset.x_train)
    quantized.info.update(found)
    if options.nested is not None:
        quantized.info["nested"] = _nested(network, quantized, dataset, options.nested)
    result = {
        "model": str(options.out),
        **shared.facts(topology),
        "shifts": list(quantized.shifts),
        **quantized.info,
        **shared.data_facts(dataset),
        **fits,
        "duplicates": duplicates,
        "balance": balance,
        "seconds": round(time.perf_counter() - began, 3),
    }
    shared.report(result, dataset, say)
    for row in result.get("nested", ()):
        say("{size:>6} paths float {accuracy_float:.2%}, integer {accuracy_int:.2%}".format(**row))
    words = f"dead        {dead.describe(quantized, found)}"
    say(textwrap.fill(words, 80, subsequent_indent=" " * 12))
    quantized.save(options.out)
    say(f"wrote       {options.out}")
    return Outcome(result)


def _info(options, recipe, dataset):
    """What a model file says of how it was made, but for the training itself: a dictionary."""
    info = {
        "data": dataset.name,
        "seed": recipe.seed,
        "initialization": options.initialization,
        "validation": options.validation,
    }
    given = {**vars(options), "signs": recipe.signs}
    info.update({name: given[name] for name, unsaid in UNSAID.items() if given[name] != unsaid})
    if dataset.labels is not None:
        info["labels"] = list(dataset.labels)
    if dataset.origin:
        info["origin"] = dict(dataset.origin)
    return info


def _train(options, recipe, stages, networks, dataset, info):
    """Train in floats and quantize: the network, and its model, ``None`` of paths that have none.

    ``info`` gets the facts of the training.
    """
    samples = dataset.x_train, dataset.y_train, dataset.classes
    trained, later = growing.course(stages, networks, options.nested)
    info["loss"] = loop.train(trained, *samples, recipe, data.INPUT_SCALE, later=later)[-1]
    network = networks[-1]
    info["qat"] = options.qat
    info.update({n: getattr(recipe, n) for n, *_ in shared.RECIPE if n not in UNSAID})
    if not network.topology.linear:
        return network, None
    own = dataset.preparation
    if options.qat:
        scale_and_how = data.INPUT_SCALE, options.qat, options.nested, options.bits
        network, losses = qat.train(network, *samples, recipe, *scale_and_how)
        quantized = network.model(dataset.classes, {**info, "loss_qat": losses[-1]}, own)
        return Network(network.topology, network.weights, network.biases), quantized
    args = dataset.x_train, dataset.classes, data.INPUT_SCALE
    return network, quantize.quantize(network, *args, info, own, options.bits)


def _nested(network, quantized, dataset, smallest):
    """The accuracies of a nested network at every number of paths, a dictionary each."""
    rows = []
    for count in nested.sizes(network.topology, smallest):
        small = nested.cut(quantized, count)
        found = accuracies(network.first(small.topology), small, dataset)
        rows.append({"size": count, "paths": list(small.topology.paths), **found})
    return rows


def _float_only(network, dataset, info, found, began, say):
    """Report a network that has no integers: its paths are not the hardware's."""
    result = {
        "model": None,
        **shared.facts(network.topology),
        **info,
        **shared.data_facts(dataset),
        "accuracy_float": float_accuracy(network, dataset),
        **found,
        "seconds": round(time.perf_counter() - began, 3),
    }
    shared.report(result, dataset, say)
    say("no model    the hardware runs paths that are linear over GF(2) only")
    return result
