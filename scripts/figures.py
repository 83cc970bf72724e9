"""``make figures``: measure what the README's table says, and write it there.

Runs the shipped model on the simulated hardware, builds the iCEBreaker's bitstream over several
seeds, keeps the results in docs/figures.json, and puts the table between README.md's two markers.
A test holds the table to docs/figures.json, and that to what the project computes.
"""

import json
import sys
from pathlib import Path

from boards import load
from boards.build import build
from golden import cli
from golden import model as models
from golden.lanes import junction_matrix
from golden.machine import plan
from sim.run import run as simulate

CELLS = ("lc", "ebr", "dsp", "spram")
ROOT = Path(__file__).resolve().parent.parent
JSON = ROOT / "docs" / "figures.json"
README = ROOT / "README.md"
MARKS = ("<!-- figures: made by `make figures` -->\n", "<!-- end of figures -->\n")
MODEL, DATA, BOARD, SEEDS = "models/digits.npz", "digits", "icebreaker", range(1, 11)
LARGER = "models/mnist-37k.npz"


def connectivity_bits(topology, lanes):
    """Bits that describe which neurons the paths join: the matrices of all junctions."""
    return sum(junction_matrix(topology, junction, lanes).size for junction in topology.junctions)


def measure():
    """The figures, as the JSON has them."""
    result = simulate(str(ROOT / MODEL), DATA, backend="native", say=lambda text: None)
    if result.failures:
        raise SystemExit("\n".join(result.failures))
    routed = build(load(BOARD), seeds=SEEDS)
    if not routed["met"]:
        raise SystemExit("the clock must be met")
    topology = models.load(ROOT / MODEL).topology
    larger = models.load(ROOT / LARGER)
    schedule = plan(larger.topology, load(BOARD).config.machine)
    return {
        "simulated": {**result.summary, "model": MODEL},
        "routed": {**routed, "bitstream": None},
        "layers": list(topology.layers),
        "connectivity_bits": connectivity_bits(topology, result.summary["lanes"]),
        "larger": {
            "accuracy_int": larger.info["accuracy_int"],
            "paths": larger.topology.total_paths,
            "predicted_interval": schedule.interval,
        },
    }


def table(figures):
    """The README's table, in Markdown."""
    simulated, routed = figures["simulated"], figures["routed"]
    latency, interval = simulated["latency_cycles"], simulated["interval_cycles"]
    per, lanes, clock = simulated["images_together"], simulated["lanes"], routed["clock_mhz"]
    what = "an image" if per == 1 else f"{per} images, which share each weight"
    images_a_second = per * clock * 1e6 / interval
    fmax, limit = routed["fmax_mhz"], routed["fmax_limit_mhz"]
    layers = "-".join(map(str, figures["layers"]))
    cells = ", ".join(f"{routed[n]:,} of {routed[f'{n}_total']:,} {n.upper()}" for n in CELLS)
    bits = figures["connectivity_bits"]
    rows = (
        ("network", f"{layers} neurons, {simulated['paths']:,} paths = weights"),
        (
            f"accuracy, {simulated['images']} held-out {simulated['data']}",
            f"float {simulated['accuracy_float']:.2%}, int8 {simulated['accuracy_int']:.2%}, "
            f"hardware {simulated['accuracy']:.2%}",
        ),
        (
            "hardware against golden model",
            f"{simulated['mismatches']} of {simulated['values_compared']:,} values differ "
            "(simulated)",
        ),
        (
            f"cycles for {what}",
            f"{interval:,} from one inference to the next, {latency:,} from last input to last "
            f"result, as predicted; the multipliers are {simulated['utilization']:.1%} busy",
        ),
        (
            "connectivity stored",
            f"{bits} bits in all, {bits / simulated['paths']:.2f} a weight",
        ),
        (routed["device"], f"{cells} (routed)"),
        (
            "clock",
            f"{clock:g} MHz met on {sum(f >= clock for f in fmax)} of {len(fmax)} seeds: Fmax "
            f"{min(fmax):.1f} to {max(fmax):.1f} MHz (routed), "
            f"{routed['fmax_limit']} allows {limit:g} MHz",
        ),
        (
            f"time for {what}",
            f"{interval / clock:.1f} us from one inference to the next, {latency / clock:.1f} us "
            f"from last input to last result, at {clock:g} MHz",
        ),
        (
            "throughput of the engine",
            f"{images_a_second:,.0f} images/s: "
            f"{images_a_second * simulated['paths'] / 1e6:,.0f} M multiply-accumulates/s of the "
            f"{lanes * per * clock:,.0f} M that {lanes * per} multipliers can do",
        ),
    )
    larger = figures["larger"]
    rows += (
        (
            "MNIST, a larger network",
            f"{larger['accuracy_int']:.2%} of 10,000 images in int8 with {larger['paths']:,} "
            f"weights; {larger['predicted_interval']:,} cycles (predicted) for "
            f"{what.split(',')[0]}: "
            f"{per * clock * 1e6 / larger['predicted_interval']:,.0f} images/s",
        ),
    )
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines) + "\n"


def with_table(text, figures):
    """``text`` of the README with the table between its marks."""
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return before + MARKS[0] + table(figures) + MARKS[1] + after


def main(argv):
    """Measure, write both files, print the table."""
    cli.Parser(prog="make figures", description=__doc__).parse_args(argv)
    figures = measure()
    cli.write_atomically(JSON, json.dumps(figures, indent=2) + "\n")
    cli.write_atomically(README, with_table(README.read_text(), figures))
    print(table(figures), end="")


if __name__ == "__main__":
    sys.exit(cli.main(main))
