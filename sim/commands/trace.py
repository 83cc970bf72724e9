"""``sobolpath sim trace``: one image through the simulated engine, step by step."""

from argparse import Namespace

import numpy as np

from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.support import cli, options, plots, tables
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.hw.config import CONFIGS

from ..backends.record import Stuck
from ..run.batches import BACKENDS, open_engine
from ..run.comparison import Comparison
from ..run.measure import make_job
from ..views import network_plot
from ..views.steps import operands, steps_of, values_of, wrong_steps

SHOWN = 16  # steps of a junction, unless rows are asked for

HELP = """\
Run one held-out image through the simulated engine, compare all that it wrote
with the golden model, and list its steps. The columns are

  cycle     when the step is issued, counted from the last input
  row       the row of the target layer to whose neurons it adds its products
  epoch     which epoch of the junction it belongs to: a run of as many paths as
            the target layer has neurons, which meets every target row once
  source    the row of activations that it reads
  D         which lane takes which: lane t takes source lane t xor D
  lanes     the source lanes of the lanes 0, 1, 2, ... (up to 16)

  sobolpath sim trace digits --data digits --image 3
  sobolpath sim trace digits --data digits --image 3 --junction 2 \\
      --rows 4:6 --values --plot build/image-3.svg

--plot draws the network with the active paths of the image, on which the input
and all neurons with a ReLU are above 0. Where there are many, only the
strongest are drawn. Those that change the logit of its class most are in
colour: blue where they raise it, orange where they lower it, and a larger
product makes a thicker line. Bars show what each class's logit is made of, and
a line is printed of the class that was chosen. The exit code is 1 if a value or
a step is not the golden model's.
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.model(parser)
    options.data(parser)
    add("--image", required=True, type=int, metavar="K", help="which held-out image, from 0 on")
    options.config(parser, CONFIGS)
    options.backend(parser, BACKENDS)
    options.junction(parser, None, "list only this junction, from 1 on")
    add(
        "--rows", metavar="A:B", help=f"list target rows A to B - 1 (as many as take {SHOWN} steps)"
    )
    add("--values", action="store_true", help="list the activation and weight of every lane too")
    options.plot(parser, "the network and the image's active paths")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Simulate, compare, list, draw; the results as a dict for ``--json``, and what is wrong."""
    if options.plot is not None:
        plots.check(options.plot, options.json)
    model = models.load(options.model)
    job = make_job(options.config, model)
    _check_junction(options.junction, job)
    rows = None if options.rows is None else _rows(options.rows)
    inputs, label = _inputs(options, model, job.config.images)
    try:
        with open_engine(options.backend, job, say=say) as simulated:
            trace = simulated.run(inputs)
    except Stuck as error:
        return Outcome({}, (str(error),))
    if not trace.finished:
        return Outcome(
            {}, (f"image {options.image} must be done in {job.patience} cycles, but was not",)
        )
    comparison = Comparison(model, job)
    comparison.add(inputs, trace)
    tally = comparison.tally
    steps, layers = steps_of(trace, job), values_of(trace, job, inputs, 0)
    found = int(engine.classify(model, layers[-1][None])[0])
    title = (
        f"{options.model}, image {options.image} of {options.data}: {model.called(label)}, "
        f"classified {model.called(found)}"
    )
    say(title)
    shown = []
    for part in steps:
        if options.junction in (None, part.junction):
            shown += _show(part, job, (model, layers), rows, options.values, say)
    if options.plot is not None:
        for line in network_plot.draw(options.plot, model, layers, title):
            say(line)
        say(f"picture    {options.plot}")
    failures = [*wrong_steps(steps, job)]
    if tally.mismatches:
        failures.append(f"{tally.mismatches} mismatches; the first: {tally.first}")
    summary = {
        "model": str(options.model),
        "data": options.data,
        "image": options.image,
        "config": options.config,
        "backend": simulated.name,
        "label": label,
        "label_name": model.names[label],
        "class": found,
        "class_name": model.names[found],
        "mismatches": tally.mismatches,
        "values_compared": tally.values,
        "logits": layers[-1].tolist(),
        "steps": shown,
    }
    return Outcome(summary, tuple(failures))


def _check_junction(junction, job):
    last = len(job.topology.paths)
    if junction is not None and not 1 <= junction <= last:
        raise InputError(f"--junction must be 1 to {last}, not {junction}")


def _rows(text):
    pair = cli.integers(text, ":", "--rows")
    if len(pair) != 2 or not 0 <= pair[0] < pair[1]:
        raise InputError(f"--rows must be A:B with 0 <= A < B, not {text!r}")
    return pair


def _inputs(options, model, together):
    """The image, those that share its weights (the next ones, then zeros), and its label."""
    dataset = data.load_for(model, options.data, options.download)
    last = len(dataset.x_test) - 1
    if not 0 <= options.image <= last:
        raise InputError(f"--image must be 0 to {last}, not {options.image}")
    images = dataset.x_test[options.image : options.image + together]
    blank = np.zeros((together - len(images), images.shape[1]), np.uint8)
    return np.concatenate([images, blank]), int(dataset.y_test[options.image])


def _show(part, job, network, rows, values, say):
    """List a junction's steps of these rows; them as dicts."""
    fan_in, lanes = part.epoch[-1] + 1, job.config.lanes
    count = part.row[-1] + 1
    start, stop = rows or (0, max(SHOWN // fan_in, 1))
    stop = min(stop, count)
    if start >= count:
        raise InputError(
            f"--rows must begin below {count}, the rows of junction {part.junction}, not at {start}"
        )
    chosen = range(start * fan_in, stop * fan_in)
    if rows is None:
        chosen = chosen[:SHOWN]
    activations, weights = operands(part, job, *network)
    say("")
    say(f"junction {part.junction}: {part.row.size:,} steps, {count:,} rows of {fan_in} each")
    shown, lines = [], [["cycle", "row", "epoch", "source", "D", "lanes"]]
    for step in chosen:
        entry = {
            "junction": part.junction,
            "step": step,
            **{
                name: int(getattr(part, name)[step])
                for name in ("cycle", "row", "epoch", "source", "distance")
            },
        }
        bits = f"{entry['distance']:0{max(lanes.bit_length() - 1, 1)}b}"
        order = " ".join(str(lane ^ entry["distance"]) for lane in range(lanes))
        lines.append([*(str(entry[name]) for name in lines[0][:4]), bits, order])
        if values:
            entry["activations"] = activations[step].tolist()
            entry["weights"] = weights[step].tolist()
        shown.append(entry)
    wide = slice(6 if lanes <= 16 else 5)  # more lanes than that do not fit
    left = [False] * 4 + [True] * 2
    head, *rows = tables.grid([line[wide] for line in lines], left[wide])
    say(head)
    for row, entry in zip(rows, shown, strict=True):
        say(row)
        for name in ("activations", "weights") if values else ():
            for line in _wrapped(name, entry[name]):
                say(line)
    if len(chosen) < part.row.size:
        say(f"{part.row.size - len(chosen):,} more steps in rows 0:{count} (--rows)")
    return shown


def _wrapped(name, numbers):
    """The numbers of lanes, eight or twelve a line."""
    for start in range(0, len(numbers), 12):
        cells = "".join(f"{number:>5}" for number in numbers[start : start + 12])
        yield f"      {name if not start else '':<12}{cells}"
