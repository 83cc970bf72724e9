"""``make figures``: measure what the README's table says, write it there, and draw its picture.

Runs the shipped model on the simulated hardware and keeps the result in docs/figures.json; what was
placed and routed is in docs/boards.json, which ``make boards`` makes. A test holds the table to
both, and these to what the project computes.
"""

import json
import sys
from collections.abc import Sequence

import numpy as np

from scripts import engine_picture, path_order_picture, readme
from scripts.readme import ROOT
from sobolpath.boards import load
from sobolpath.boards.report import kept as kept_boards
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.lanes import junction_matrix
from sobolpath.golden.protocol import frames
from sobolpath.golden.support import cli
from sobolpath.golden.topology.paths import Paths
from sobolpath.sim.run.measure import run as simulate

CELLS = ("lc", "ebr", "dsp", "spram")
JSON = ROOT / "docs" / "figures.json"
MODEL, DATA, BOARD = "models/digits.npz", "digits", "icebreaker"
LARGER = "mnist-37k"
BITS = 10  # of a byte on the serial line: start, eight, stop


def connectivity_bits(topology: Paths, lanes: int) -> int:
    """Bits that describe which neurons the paths join: the matrices of all junctions."""
    return sum(junction_matrix(topology, junction, lanes).size for junction in topology.junctions)


def over_serial(layers: tuple[int, ...], images: int, interval_us: float, baud: int) -> float:
    """Images per second that pass the serial port: INFERs one after the other, replies meanwhile.

    ``layers`` : neurons of the network's layers; ``images`` : how many the device infers together,
    one inference in ``interval_us`` microseconds; ``baud`` in bits per second.
    """
    command = frames.infer(np.zeros((images, layers[0]), np.uint8), 0)
    reply = frames.reply(0, bytes(4 * layers[-1] * images))
    line = BITS * max(len(command), len(reply)) / baud
    return images / max(line, interval_us / 1e6)


def measure() -> dict:
    """The figures, as the JSON has them."""
    result = simulate(str(ROOT / MODEL), DATA, backend="native", say=lambda text: None)
    if result.failures:
        raise SystemExit("\n".join(result.failures))
    topology = models.load(ROOT / MODEL).topology
    larger = models.load(ROOT / "models" / f"{LARGER}.npz")
    return {
        "simulated": {**result.summary, "model": MODEL},
        "layers": list(topology.layers),
        "connectivity_bits": connectivity_bits(topology, result.summary["lanes"]),
        "larger": {
            "accuracy_int": larger.info["accuracy_int"],
            "layers": list(larger.topology.layers),
            "weights": larger.topology.total_paths,
        },
    }


def kept() -> dict:
    """The figures that the project keeps."""
    return json.loads(JSON.read_text())


def table(figures: dict, routed: dict, baud: int) -> str:
    """The README's table, in Markdown.

    ``figures`` of :func:`measure`; ``routed``, a board of docs/boards.json, and the ``baud`` of its
    serial port.
    """
    simulated, larger = figures["simulated"], figures["larger"]
    latency, interval = simulated["latency_cycles"], simulated["interval_cycles"]
    per, lanes, clock = simulated["images_together"], simulated["lanes"], routed["clock_mhz"]
    what = "an image" if per == 1 else f"{per} images, which share each weight"
    fmax = routed["fmax_mhz"]
    layers = "-".join(map(str, figures["layers"]))
    cells = ", ".join(f"{routed[n]:,} of {routed[f'{n}_total']:,} {n.upper()}" for n in CELLS)
    its = routed["models"][LARGER]
    port = [
        over_serial(tuple(layers), per, cycles / clock, baud)
        for layers, cycles in (
            (figures["layers"], interval),
            (larger["layers"], its["interval_cycles"]),
        )
    ]
    rows = (
        (
            "network",
            f"{layers} neurons, {simulated['weights']:,} paths with a weight each; "
            f"{figures['connectivity_bits']} bits say what joins what",
        ),
        (
            f"accuracy on {simulated['images']} held-out {simulated['data']}",
            f"float {simulated['accuracy_float']:.2%}, int8 {simulated['accuracy_int']:.2%}, "
            f"simulated hardware {simulated['accuracy']:.2%}: "
            f"{simulated['mismatches']} of {simulated['values_compared']:,} values differ",
        ),
        (
            f"cycles for {what}",
            f"{interval:,} from one inference to the next, {latency:,} from last input to last "
            "result",
        ),
        (f"{routed['device']}, routed", cells),
        (
            "clock, routed",
            f"{clock:g} MHz met on {sum(f >= clock for f in fmax)} of {len(fmax)} seeds: Fmax "
            f"{min(fmax):.1f} to {max(fmax):.1f} MHz",
        ),
        (
            f"speed of the engine at {clock:g} MHz",
            f"{per * clock * 1e6 / interval:,.0f} images/s; its {lanes * per} multipliers are "
            f"{simulated['utilization']:.1%} busy",
        ),
        (
            f"MNIST, {larger['weights']:,} weights",
            f"{larger['accuracy_int']:.2%} of 10,000 images in int8; the engine runs "
            f"{per * clock * 1e6 / its['interval_cycles']:,.0f} images/s",
        ),
        (
            f"the board's serial port at {baud / 1e6:g} Mbaud",
            f"carries about {port[0]:,.0f} digits/s, {port[1]:,.0f} MNIST images/s",
        ),
    )
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines) + "\n"


def shown(figures: dict, boards: dict) -> str:
    """The table of :func:`table` for the board of the README: ``boards`` as docs/boards.json."""
    return table(figures, boards[BOARD], load(BOARD).baud)


def main(argv: Sequence[str]) -> None:
    """Measure, write the files, print the table."""
    cli.Parser(prog="make figures", description=__doc__).parse_args(argv)
    figures = measure()
    cli.write_atomically(JSON, json.dumps(figures, indent=2) + "\n")
    made = shown(figures, kept_boards())
    readme.write(figures=made)
    for picture in (engine_picture.DIAGRAM, path_order_picture.DIAGRAM):
        cli.write_atomically(picture.path, picture.draw())
    print(made, end="")


if __name__ == "__main__":
    sys.exit(cli.main(main))
