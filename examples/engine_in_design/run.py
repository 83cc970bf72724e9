"""The engine in a design of your own: a classifier in Verilog, simulated by Icarus Verilog.

    .venv/bin/python examples/engine_in_design/run.py [FOLDER]

writes the engine as Verilog and the digits network as its bytes into FOLDER (build/examples/design
unless given), puts the design of ``classifier.v`` around them, sends it three images, and compares
the labels with those of the golden model. The exit code is 1 where they differ.

It needs iverilog (on Debian: ``sudo apt-get install iverilog``).
"""

import re
import subprocess
import sys
from pathlib import Path

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.shipped import find

HERE = Path(__file__).resolve().parent
CONFIG = "icebreaker-1"  # one image at a time: an input is one byte
IMAGES = 3


def write_design(folder: Path) -> None:
    """The engine's Verilog, and the bytes of the network."""
    for words in (
        ("hw", "verilog", "--config", CONFIG, "-o", str(folder / "engine.v")),
        ("hw", "image", "digits", "--config", CONFIG, "-o", str(folder / "network.hex")),
    ):
        if code := main(words):
            raise SystemExit(code)


def simulate(folder: Path, parameters: dict[str, int]) -> list[int]:
    """The labels that the design prints; its parameters are those of ``classifier_tb.v``."""
    sources = [HERE / "classifier_tb.v", HERE / "classifier.v", "engine.v"]
    values = [f"-Pclassifier_tb.{name}={value}" for name, value in parameters.items()]
    command = ["iverilog", "-g2012", *values, "-o", "design.vvp", *map(str, sources)]
    subprocess.run(command, cwd=folder, check=True)
    vvp = ["vvp", "-n", "design.vvp"]
    printed = subprocess.run(vvp, cwd=folder, check=True, capture_output=True, text=True).stdout
    print(printed, end="")
    return [int(label) for label in re.findall(r"label (\d+)", printed)]


def run(folder: Path) -> int:
    """Make the design, simulate it, compare; the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    write_design(folder)
    model = models.load(find("digits"))
    images = data.load("digits").x_test[:IMAGES]
    (folder / "images.hex").write_text("".join(f"{pixel:02x}\n" for pixel in images.ravel()))
    parameters = {
        "BYTES": len((folder / "network.hex").read_text().splitlines()),
        "CLASSES": model.classes,
        "PIXELS": images.size,
        "IMAGES": IMAGES,
    }
    labels = simulate(folder, parameters)
    expected = engine.classify(model, engine.infer(model, images)).tolist()
    print(f"golden model: {expected}")
    return int(labels != expected)


if __name__ == "__main__":
    sys.exit(run(Path(*sys.argv[1:2] or ["build/examples/design"])))
