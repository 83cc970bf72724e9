"""``sobolpath sim learn``: the simulated chip learns a data set from constant weights."""

import time
from argparse import Namespace
from dataclasses import replace

from sobolpath.golden import data
from sobolpath.golden.errors import InputError, check_name
from sobolpath.golden.learn.loop import Course
from sobolpath.golden.learn.start import FRACTIONS, RATE, begin, digits_of
from sobolpath.golden.support import cli, options, plots
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.golden.topology.paths import Paths, Topology
from sobolpath.golden.training import initialize
from sobolpath.golden.training.loop import SIGNS
from sobolpath.hw.learn.config import CONFIGS

HELP = """\
Let a simulated chip learn. Its weights begin at one magnitude in each junction;
image after image goes in with its label, and after every epoch all that stands
in the chip is read back: every weight and every bias must be the golden
learner's, and so must the logits of every step and the errors of some. The exit
code is 1 if anything differs.

  sobolpath sim learn --data digits
  sobolpath sim learn --data digits --epochs 60 --out build/learned.npz
  sobolpath sim learn --data fsdd --layers 256-256-128-16 --epochs 20 \\
      --paths 8192,8192,1024 --config ulx3s-learn --plot build/fsdd.svg

Without --layers and --paths the network is that of the model that ships for the
data. The rate is a power of two, halved after every --halve epochs.
What is learnt is what 'sobolpath train --arithmetic chip' learns from the same
seed. This compiles the engine once, and needs a C++ compiler.
"""
EPOCHS = 30
#: The layers and paths that are taken for a data set unless others are given.
NETWORKS = {
    "digits": ("64-128-128-16", "2048,2048,1024"),
    "fsdd": ("256-256-128-16", "8192,8192,1024"),
    "mnist": ("1024-256-256-16", "16384,16384,4096"),
    "fashion": ("1024-256-256-16", "16384,16384,4096"),
}


def arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.data(parser)
    options.layers(parser, required=False)
    options.paths(parser, required=False)
    options.config(parser, CONFIGS, "icebreaker-learn")
    options.clock(parser, "clock of the chip, which its time is told by (its board's)")
    what = "passes over the data (%(default)s)"
    add("--epochs", type=int, metavar="N", default=EPOCHS, help=what)
    what = "the first learning rate, a power of two (%(default)s)"
    add("--rate", type=float, metavar="X", default=2.0**-RATE, help=what)
    options.halve(parser, "epochs after which the rate is halved (a third of all)")
    what = "signs: free, or fixed to train magnitudes only (%(default)s)"
    add("--signs", type=str, default=SIGNS[0], metavar="NAME", help=what)
    options.images(parser, "learn only the first N training images")
    options.seed(parser, what="the first weights, and the order of the images")
    options.out(parser, "write what was learnt as a model file (.npz)", required=False)
    options.plot(parser, "accuracy against images and time")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Learn, compare, print; the figures, and what is wrong."""
    from ..learn import course, picture
    from ..learn.machine import LearnMachine

    check_name("--config", options.config, CONFIGS)
    check_name("signs", options.signs, SIGNS)
    plot = plots.check(options.plot) if options.plot is not None else None
    cli.check_writable(options.json, options.out, plot)
    clock, topology, plan = _clock(options), _topology(options), _course(options)
    dataset = _dataset(options, topology)
    fixed = options.signs == "fixed"
    network = initialize.initialize(topology, seed=options.seed)
    parameters = begin(network, dataset.classes, fixed=fixed)
    say(f"engine      {options.config}, {CONFIGS[options.config].lanes} lanes, {clock / 1e6:g} MHz")
    say(f"network     {'-'.join(map(str, topology.layers))}, {topology.total_paths:,} weights")
    say(f"course      {plan}")
    began = time.perf_counter()
    with LearnMachine(CONFIGS[options.config], parameters, FRACTIONS, say=say) as machine:
        image = machine.schedule.cycles["image"]
        say(f"cycles      {image:,} an image: {clock / image:,.0f} images/s")
        found = _epochs(course.learn, machine, parameters, dataset, plan, fixed, clock, say)
        accuracy, wrong = course.held_out(machine, dataset)
        learned = machine.parameters
    seconds = time.perf_counter() - began
    say("")
    say(f"on the chip {accuracy:.2%} of {len(dataset.x_test):,} held-out images")
    if options.out is not None:
        facts = _facts(options, plan) | {"accuracy_learning": found[-1].right}
        learned.model(FRACTIONS, dataset.classes, facts, dataset.preparation).save(options.out)
        say(f"wrote {options.out}")
    if plot is not None:
        picture.draw(plot, found, clock, f"{options.data} on {options.config}, simulated")
        say(f"wrote {plot}")
    wrong += sum(epoch.wrong for epoch in found)
    summary = {
        "config": options.config,
        "data": options.data,
        "clock_hz": clock,
        "layers": list(topology.layers),
        "paths": list(topology.paths),
        "image_cycles": image,
        "epochs": plan.epochs,
        "course": [vars(epoch) for epoch in found],
        "accuracy": accuracy,
        "mismatches": wrong,
        "seconds": seconds,
        "seed": plan.seed,
    }
    return Outcome(summary, [f"{wrong} values differ from the golden learner's"] if wrong else [])


def _epochs(learn, machine, parameters, dataset, plan, fixed, clock, say):
    """Let it learn, with a bar, and a line for each epoch: a list of them."""
    say("")
    say("epoch   images   chip's time   as they came   held-out   values wrong")
    found, total = [], plan.epochs * len(dataset.x_train)
    with cli.progress(total=total, desc="learn", unit="image") as bar:

        def tell(images, right):
            bar.set_postfix(right=f"{right:.2%}", refresh=False)
            bar.update(images)

        for epoch in learn(machine, parameters, dataset, plan, fixed=fixed, tell=tell):
            found.append(epoch)
            bar.clear()
            say(
                f"{len(found):5d}  {epoch.images:7,d}  {epoch.cycles / clock:10.3f} s  "
                f"{epoch.right:12.2%}  {epoch.accuracy:9.2%}  {epoch.wrong} of {epoch.compared:,}"
            )
    return found


def _facts(options, plan):
    """What the model file says of how it was learnt."""
    return {
        "arithmetic": "chip",
        "epochs": plan.epochs,
        "rate": 2.0**-plan.rate,
        "halve": plan.halve,
        "seed": plan.seed,
        "data": options.data,
        "engine": options.config,
    }


def _course(options):
    """The epochs and their rates. Raises ``InputError``."""
    halve = -(-options.epochs // 3) if options.halve is None else options.halve
    rate = digits_of(options.rate)
    return Course(epochs=options.epochs, rate=rate, halve=halve, seed=options.seed)


def _clock(options):
    """In hertz. Raises ``InputError``."""
    if options.clock is None:
        from sobolpath.boards import NAMES, load

        return load(options.config).clock_hz if options.config in NAMES else 40e6
    if not 0.001 <= options.clock <= 10_000:
        raise InputError(f"--clock must be 0.001 to 10,000 MHz, not {options.clock:g}")
    return options.clock * 1e6


def _topology(options) -> Paths:
    layers, paths = NETWORKS.get(str(options.data), (None, None))
    layers = layers if options.layers is None else options.layers
    paths = paths if options.paths is None else options.paths
    if layers is None or paths is None:
        raise InputError("--layers and --paths are required for data of which no model ships")
    return Topology(cli.integers(layers, "-", "--layers"), cli.integers(paths, ",", "--paths"))


def _dataset(options, topology):
    if options.images is not None and options.images < 1:
        raise InputError(f"--images must be at least 1, not {options.images}")
    dataset = data.load(options.data, download=options.download)
    data.check_fits(dataset, topology)
    if options.images is None:
        return dataset
    taken = slice(options.images)
    return replace(dataset, x_train=dataset.x_train[taken], y_train=dataset.y_train[taken])
