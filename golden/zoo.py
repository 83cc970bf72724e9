"""``python -m golden zoo``: the models that ship, how each was made, and how good it is.

The rates, epochs and decays were chosen on validation images (``golden train --validation 6000``,
400 for fsdd), never on the held-out ones. The accuracies are what
``golden train`` wrote into the file.
"""

from pathlib import Path

from . import cli, model
from .errors import InputError

FOLDER = Path(__file__).resolve().parents[1] / "models"
_IMAGES = {"layers": "1024-256-256-16", "batch": 64, "qat": 5}
RECIPES = {
    "digits": {"data": "digits", "layers": "64-128-128-16", "paths": "2048,2048,1024"},
    "mnist-12k": {
        "data": "mnist",
        "paths": "4096,4096,4096",
        "epochs": 40,
        "rate": 0.01,
        "decay": 0.05,
        **_IMAGES,
    },
    "mnist-37k": {
        "data": "mnist",
        "paths": "16384,16384,4096",
        "epochs": 40,
        "rate": 0.007,
        "decay": 0.1,
        **_IMAGES,
    },
    "fashion-37k": {
        "data": "fashion",
        "paths": "16384,16384,4096",
        "epochs": 30,
        "rate": 0.005,
        "decay": 0.05,
        **_IMAGES,
    },
    "fsdd": {
        "data": "fsdd",
        "layers": "256-256-128-16",
        "paths": "8192,8192,1024",
        "epochs": 60,
        "batch": 32,
        "rate": 0.01,
        "decay": 0.03,
        "qat": 5,
    },
}

HELP = """\
List the models that ship in models/, or train one again by its recipe. The
accuracies are those of the full held-out set, as golden train found them.

  python -m golden zoo
  python -m golden zoo --train mnist-37k   (data: see golden train --help)
"""

CARD = """\
# The models that ship

Made by `python -m golden zoo --card models/README.md`. Each is one file for the golden model, the
simulator and the boards: weights in `int8`, and the `float32` they were rounded from (most of the
file). Accuracies are those on the full held-out set of the data. What was chosen (epochs, rates,
decays) was chosen on images of the training set.

| model | data | neurons | paths = weights | float | integer | size |
|---|---|---|---|---|---|---|
{rows}

How each was made (seed 0; `make models/NAME.npz` runs it):

{commands}

Run one on the simulated hardware: `python -m sim run models/mnist-37k.npz --data mnist`.
Where data sets come from: `python -m golden train --help`, and `golden/datasets.py` for what each
is, its split and its licence.
"""


def arguments(name):
    """The arguments of ``golden train`` that made a model, but for ``--out``; a list of strings.

    Raises ``InputError`` for an unknown name.
    """
    if name not in RECIPES:
        raise InputError(f"model must be one of {', '.join(RECIPES)}, not {name!r}")
    recipe = {**RECIPES[name], "seed": 0}
    order = ("data", "layers", "paths", "epochs", "batch", "rate", "decay", "qat", "seed")
    pairs = ((f"--{key}", str(recipe[key])) for key in order if key in recipe)
    return ["train", *(part for pair in pairs for part in pair)]


def entries(folder=FOLDER):
    """What the files say: a list of dictionaries, a model each; those without a file left out."""
    result = []
    for name in RECIPES:
        path = Path(folder) / f"{name}.npz"
        if not path.is_file():
            continue
        loaded = model.load(path)
        topology = loaded.topology
        result.append(
            {
                "name": name,
                "data": loaded.info["data"],
                "layers": list(topology.layers),
                "paths": list(topology.paths),
                "weights": topology.total_paths,
                "accuracy_float": loaded.info["accuracy_float"],
                "accuracy_int": loaded.info["accuracy_int"],
                "bytes": path.stat().st_size,
                "command": ["python", "-m", "golden", *arguments(name)],
            }
        )
    return result


def table(models):
    """The entries as lines of at most 80 columns."""
    lines = [
        f"{'model':<12} {'data':<8} {'neurons':<16} {'weights':>7} {'float':>8} {'integer':>8}"
    ]
    for entry in models:
        layers = "-".join(map(str, entry["layers"]))
        lines.append(
            f"{entry['name']:<12} {entry['data']:<8} {layers:<16} {entry['weights']:>7,} "
            f"{entry['accuracy_float']:>8.2%} {entry['accuracy_int']:>8.2%}"
        )
    return "\n".join(lines)


def card(models):
    """The entries as Markdown: the text of ``models/README.md``."""
    rows, commands = [], []
    for entry in models:
        layers = "-".join(map(str, entry["layers"]))
        paths = " + ".join(f"{count:,}" for count in entry["paths"])
        rows.append(
            f"| `{entry['name']}` | {entry['data']} | {layers} | {paths} = {entry['weights']:,} | "
            f"{entry['accuracy_float']:.2%} | {entry['accuracy_int']:.2%} | "
            f"{entry['bytes'] / 1000:.0f} kB |"
        )
        words = " ".join(entry["command"])
        cut = words.index(" --epochs") if " --epochs" in words else words.index(" --seed")
        commands += [
            f"    {words[:cut]} \\",
            f"       {words[cut:]} --out models/{entry['name']}.npz",
        ]
        commands.append("")
    return CARD.format(rows="\n".join(rows), commands="\n".join(commands).rstrip())


def add_to(commands, run):
    """Add the command; ``run`` takes the arguments of another and runs it."""
    parser = commands.add_parser("zoo", help="the models that ship", description=HELP)
    parser.set_defaults(run=lambda options: _zoo(options, run))
    parser.add_argument("--train", metavar="NAME", help=f"make one again: {', '.join(RECIPES)}")
    parser.add_argument("--models", metavar="FOLDER", default=FOLDER, help="where they are")
    parser.add_argument("--card", metavar="FILE", help="also write the table as Markdown")
    parser.add_argument("--json", metavar="FILE", help="as for train")


def _zoo(options, run):
    cli.check_writable(options.card)
    if options.train is not None:
        run(
            [*arguments(options.train), "--out", str(Path(options.models) / f"{options.train}.npz")]
        )
    models = entries(options.models)
    if not models:
        raise InputError(f"{options.models}: must have models, made by 'golden zoo --train NAME'")
    print(table(models))
    if options.card is not None:
        cli.write_atomically(options.card, card(models))
        print(f"wrote       {options.card}")
    return {"models": models}
