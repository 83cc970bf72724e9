"""``sobolpath zoo``: the models that ship, how each was made, and how good it is.

Rates, epochs, decays, dimensions and seeds were chosen on validation images (``sobolpath train
--validation 6000``, 400 for fsdd; 12,000 beats of other patients for mitbih), never on the
held-out ones. The accuracies are what ``golden train`` wrote into the file.
"""

from pathlib import Path
from typing import Any

from .. import data
from ..errors import check_name
from ..machine import engine, model
from ..machine.shipped import FOLDER
from ..support import tables
from . import evaluate
from .network import Network

_IMAGES = {"layers": "1024-256-256-16", "batch": 64, "qat": 5}
RECIPES = {
    "digits": {
        "data": "digits",
        "layers": "64-128-128-16",
        "paths": "2048,2048,1024",
        "initialization": "rudin-shapiro",
    },
    "digits-nested": {
        "data": "digits",
        "layers": "64-256-256-16",
        "paths": "16384,16384,4096",
        "nested": 512,
    },
    "mnist-12k": {
        "data": "mnist",
        "paths": "4096,4096,4096",
        "dimensions": "1,2,3,7",
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
        "initialization": "rudin-shapiro",
        **_IMAGES,
    },
    "mnist-nested": {
        "data": "mnist",
        "paths": "16384,16384,4096",
        "nested": 512,
        "epochs": 40,
        "rate": 0.007,
        "decay": 0.03,
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
        "rate": 0.003,
        "decay": 0.03,
        "qat": 5,
    },
    "mitbih": {
        "data": "mitbih",
        "layers": "128-128-64-16",
        "paths": "4096,4096,1024",
        "epochs": 4,
        "batch": 64,
        "rate": 0.002,
        "decay": 0.1,
        "qat": 4,
        "initialization": "rudin-shapiro",
    },
}

CARD = """\
# The models that ship

`sobolpath zoo --card models/README.md` made this page. Each model is one file for the golden
model, the simulator and the boards. It holds the weights as `int8`, and the `float32` that they
were rounded from (most of the file). Accuracies are those on the full held-out set of the data.
What was chosen (epochs, rates, decays, dimensions, seeds) was chosen on images of the training set.
Dead weights begin at inputs that no training image lights, begin or end at hidden neurons that no
training image makes fire, or end at padded outputs (`sobolpath quality NAME` says which).

| model | data | neurons | paths = weights | float | integer | dead weights | size |
|---|---|---|---|---|---|---|---|
{rows}

`digits-nested` and `mnist-nested` are six networks in one each: the first 512, the first 1,024, ...
paths per junction are a network, with the same weights and biases (`sobolpath sim grow`). The page
of `sobolpath demo` runs the second one.

This is how each was made (`make models/NAME.npz` runs it). `mnist-37k` was made by an earlier state
of the code, which added in another order: today its command gives 98.48 % in integers.

{commands}

## Heartbeats, class by class

Nine in ten beats are normal: a model that calls all of them normal is right for 89 %.
`sobolpath zoo --recalls mitbih` says how many beats `mitbih` finds of each class (0 N normal, 1 S
supraventricular, 2 V ventricular, 3 F fusion, 4 Q unknown) in patients that it has not seen,
except for one man who is on both sides of this usual split:

    class     images   float  integer
    0         44,239  98.81%   98.79%
    1          1,837  16.93%   15.73%
    2          3,220  90.12%   90.50%
    3            388   0.00%    0.00%
    4              7   0.00%    0.00%
    balanced       -  41.17%   41.00%

It finds ventricular beats, misses five in six supraventricular ones, and misses all fusion beats,
nine in ten of which come from one patient on either side. It is no medical device. Network and
recipe were chosen by the mean accuracy over eight splits by patient (`sobolpath train --validation
12000`, `--seed 0` to `7`). Then it was trained once, with all 22 records.

To run one on the simulated hardware: `sobolpath sim run mnist-37k --data mnist`. The help of
`sobolpath train` says where data sets are looked for, and `golden/data/sets.py` what each of them
is, how it is split, and its licence.
"""


def arguments(name: str) -> list[str]:
    """The arguments of ``golden train`` that made a model, but for ``--out``; a list of strings.

    Raises ``InputError`` for an unknown name.
    """
    check_name("model", name, RECIPES)
    recipe = {"seed": 0, **RECIPES[name]}
    order = ("data", "layers", "paths", "nested", "epochs", "batch", "rate", "decay", "qat")
    order += ("dimensions", "initialization")
    pairs = ((f"--{key}", str(recipe[key])) for key in (*order, "seed") if key in recipe)
    return [part for pair in pairs for part in pair]


def entries(folder: str | Path = FOLDER) -> list[dict[str, Any]]:
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
                "dead_share": loaded.info.get("dead_share"),
                "bytes": path.stat().st_size,
                "command": ["sobolpath", "train", *arguments(name)],
            }
        )
    return result


def recalls(name: str, folder: str | Path = FOLDER, download: bool = False) -> list[dict[str, Any]]:
    """How many of each class of the held-out set a model finds, where classes are not alike.

    A list, a class each: ``images``, and ``recall_float`` and ``recall_int``, 0 to 1 (``None``
    where there are no images). ``download`` : as of :func:`golden.data.load`. Raises ``InputError``
    where there is no such model, or no data.
    """
    arguments(name)  # complains
    loaded = model.load(Path(folder) / f"{name}.npz")
    held = data.load_for(loaded, loaded.info["data"], download)
    floats = Network(loaded.topology, loaded.float_weights, loaded.float_biases)
    found = {
        "recall_float": evaluate.float_logits(floats, held.x_test, loaded.input_scale),
        "recall_int": evaluate.integer_logits(loaded, held.x_test),
    }
    found = {key: engine.classify(loaded, logits) for key, logits in found.items()}
    result = []
    for each in range(held.classes):
        own = held.y_test == each
        shares = ((key, classes[own] == each) for key, classes in found.items())
        entry = {key: float(hits.mean()) if hits.size else None for key, hits in shares}
        result.append({"class": each, "images": int(own.sum()), **entry})
    return result


RECALLS = (
    ("class", "class", "<"),
    ("images", "images", ","),
    ("float", "recall_float", ".2%"),
    ("integer", "recall_int", ".2%"),
)
COLUMNS = (
    ("model", "name", ""),
    ("data", "data", ""),
    ("neurons", "neurons", ""),
    ("weights", "weights", ","),
    ("float", "accuracy_float", ".2%"),
    ("integer", "accuracy_int", ".2%"),
    ("dead", "dead_share", ".1%"),
)


def recalls_table(classes: list[dict[str, Any]]) -> list[str]:
    """Such recalls as lines, their mean, the balanced accuracy, last."""
    there, keys = [entry for entry in classes if entry["images"]], ("recall_float", "recall_int")
    mean = {key: sum(entry[key] for entry in there) / len(there) for key in keys}
    rows = [{**entry, "class": str(entry["class"])} for entry in classes]
    return tables.table(RECALLS, [*rows, {"class": "balanced", "images": None, **mean}])


def table(models: list[dict[str, Any]]) -> list[str]:
    """The entries as lines."""
    rows = [{**entry, "neurons": "-".join(map(str, entry["layers"]))} for entry in models]
    return tables.table(COLUMNS, rows)


def card(models: list[dict[str, Any]]) -> str:
    """The entries as Markdown: the text of ``models/README.md``."""
    rows, commands = [], []
    for entry in models:
        layers = "-".join(map(str, entry["layers"]))
        paths = " + ".join(f"{count:,}" for count in entry["paths"])
        rows.append(
            f"| `{entry['name']}` | {entry['data']} | {layers} | {paths} = {entry['weights']:,} | "
            f"{entry['accuracy_float']:.2%} | {entry['accuracy_int']:.2%} | "
            f"{entry['dead_share']:.1%} | "
            f"{entry['bytes'] / 1000:.0f} kB |"
        )
        words = " ".join(entry["command"])
        cut = words.index(" --", words.index(" --paths") + 1)
        rest = words[cut + 1 :].replace(" --dimensions", "\n--dimensions")
        rest = rest.replace(" --initialization", "\n--initialization").split("\n")
        lines = words[:cut], *rest, f"--out models/{entry['name']}.npz"
        commands += ["    " + " \\\n        ".join(lines), ""]
    return CARD.format(rows="\n".join(rows), commands="\n".join(commands).rstrip())
