"""A network of paths trained with PyTorch, from scikit-learn's digits to the simulated hardware.

    .venv/bin/python examples/pytorch_digits.py [FOLDER]

trains a ``PathNetwork`` with floats, goes on with exactly the integers of the hardware, writes a
model file, and runs that on the simulated engine, which computes the same logits. The file goes to
FOLDER, build/examples unless given. PyTorch must be installed: ``pip install -e '.[torch]'``, or
first a build without CUDA, as docs/pytorch.md says.
"""

import shlex
import sys
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.machine import engine
from sobolpath.pytorch import PathNetwork, QuantizedPathNetwork

SEED, BATCH = 1, 32


def train(network: torch.nn.Module, digits: data.DataSet, epochs: int, rate: float) -> None:
    """An ordinary loop of PyTorch: Adam, shuffled batches, cross-entropy of the ten classes."""
    images = torch.from_numpy(digits.x_train) * data.INPUT_SCALE
    labels = torch.from_numpy(digits.y_train)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    random = torch.Generator().manual_seed(SEED)
    for _ in range(epochs):
        for chosen in torch.randperm(len(images), generator=random).split(BATCH):
            optimizer.zero_grad()
            logits = network(images[chosen])[:, : digits.classes]  # the others are padding
            cross_entropy(logits, labels[chosen]).backward()
            optimizer.step()
        schedule.step()


def accuracy(network: torch.nn.Module, digits: data.DataSet) -> float:
    """The share of the held-out images whose class is found."""
    with torch.no_grad():
        logits = network(torch.from_numpy(digits.x_test) * data.INPUT_SCALE)
    found = logits[:, : digits.classes].argmax(1).numpy()
    return float((found == digits.y_test).mean())


def sobolpath(*words: str) -> None:
    """Run a command and print it; end this script where it fails."""
    print(f"\n$ sobolpath {shlex.join(words)}", flush=True)
    if code := main(words):
        raise SystemExit(code)


def run(folder: Path) -> None:
    """Train, go on with the integers, compare, write, simulate."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    digits = data.load("digits")
    floats = PathNetwork((64, 128, 128, 16), (2048, 2048, 1024), seed=SEED)
    train(floats, digits, epochs=30, rate=0.01)
    print(f"floats      {accuracy(floats, digits):.2%} of {len(digits.x_test)} held-out images")

    network = QuantizedPathNetwork.calibrated(floats, digits.x_train, digits.classes)
    print(f"calibrated  {accuracy(network, digits):.2%}")
    train(network, digits, epochs=5, rate=0.001)
    print(f"integers    {accuracy(network, digits):.2%}")

    model = network.to_model(digits.classes, {"seed": SEED}, digits.preparation)
    ours = network.integers(torch.from_numpy(digits.x_test))[-1].numpy()
    differ = (ours != engine.infer(model, digits.x_test)).sum()
    print(f"mismatches  {differ} of {ours.size} logits, PyTorch beside the golden model")
    path = str(folder / "pytorch_digits.npz")
    model.save(path)
    sobolpath("eval", path, "--data", "digits")
    # Amaranth's simulator takes a second per image; leave out --backend and --limit for all images.
    sobolpath("sim", "run", path, "--data", "digits", "--limit", "4", "--backend", "pysim")


if __name__ == "__main__":
    run(Path(*sys.argv[1:2] or ["build/examples"]))
