"""A table of your own, from numbers to the simulated hardware.

    .venv/bin/python examples/own_data.py [FOLDER]

makes a table of three kinds of things with ten measurements each, keeps it as a ``.npz`` file,
trains a network on it, prints its accuracy, and runs it on the simulated engine. Files go to
FOLDER, build/examples unless given. Each command is printed as you would type it.

To use your own data, write the same four arrays with ``np.savez``, or a table as text:
docs/own-data.md says in which forms.
"""

import shlex
import sys
from pathlib import Path

import numpy as np

from sobolpath.__main__ import main

KINDS, MEASUREMENTS = 3, 10
TRAINING, HELD_OUT = 600, 150  # samples


def make_table(path: Path, seed: int = 0) -> None:
    """Write the table: of every kind, measurements that scatter around means of its own."""
    random = np.random.default_rng(seed)
    means = random.uniform(20, 80, (KINDS, MEASUREMENTS))
    labels = random.integers(0, KINDS, TRAINING + HELD_OUT)
    samples = means[labels] + random.normal(0, 12, (len(labels), MEASUREMENTS))
    np.savez(
        path,
        x_train=samples[:TRAINING],
        y_train=labels[:TRAINING],
        x_test=samples[TRAINING:],
        y_test=labels[TRAINING:],
    )


def sobolpath(*words: str) -> None:
    """Run a command and print it; end this script where it fails."""
    print(f"\n$ sobolpath {shlex.join(words)}", flush=True)
    if code := main(words):
        raise SystemExit(code)


def run(folder: Path) -> None:
    """Make the table, train, evaluate, simulate."""
    folder.mkdir(parents=True, exist_ok=True)
    table, model = str(folder / "table.npz"), str(folder / "model.npz")
    make_table(Path(table))
    # Ten measurements are padded to 16 inputs. Three kinds would do with 4 outputs, but the last
    # layer needs a neuron per lane, and the iCEBreaker has eight: the others never win.
    network = ("--layers", "16-32-16", "--paths", "256,128")
    sobolpath("train", "--data", table, *network, "--epochs", "20", "--out", model)
    sobolpath("eval", model, "--data", table)
    # Amaranth's simulator takes a second per image; leave out --backend and --limit for all images.
    sobolpath("sim", "run", model, "--data", table, "--limit", "4", "--backend", "pysim")


if __name__ == "__main__":
    run(Path(*sys.argv[1:2] or ["build/examples"]))
