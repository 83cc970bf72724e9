"""``make figures``: measure what the README's first table says, and write it there.

Runs the shipped model on the simulated hardware and keeps the result in docs/figures.json; what was
placed and routed is in docs/boards.json, which ``make boards`` makes. A test holds the table to
both, and these to what the project computes.
"""

import json
import sys

from scripts import readme
from scripts.readme import ROOT
from sobolpath.boards.report import kept as kept_boards
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.lanes import junction_matrix
from sobolpath.golden.support import cli
from sobolpath.sim.run.measure import run as simulate

CELLS = ("lc", "ebr", "dsp", "spram")
JSON = ROOT / "docs" / "figures.json"
MODEL, DATA, BOARD = "models/digits.npz", "digits", "icebreaker"
LARGER = "mnist-37k"


def connectivity_bits(topology, lanes):
    """Bits that describe which neurons the paths join: the matrices of all junctions."""
    return sum(junction_matrix(topology, junction, lanes).size for junction in topology.junctions)


def measure():
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
            "paths": larger.topology.total_paths,
        },
    }


def kept():
    """The figures that the project keeps."""
    return json.loads(JSON.read_text())


def table(figures, routed):
    """The README's table, in Markdown: of :func:`measure`, and of the board in docs/boards.json."""
    simulated = figures["simulated"]
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
    larger, its_interval = figures["larger"], routed["models"][LARGER]["interval_cycles"]
    rows += (
        (
            "MNIST, a larger network",
            f"{larger['accuracy_int']:.2%} of 10,000 images in int8 with {larger['paths']:,} "
            f"weights; {its_interval:,} cycles (predicted) for "
            f"{what.split(',')[0]}: "
            f"{per * clock * 1e6 / its_interval:,.0f} images/s",
        ),
    )
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines) + "\n"


def main(argv):
    """Measure, write both files, print the table."""
    cli.Parser(prog="make figures", description=__doc__).parse_args(argv)
    figures = measure()
    cli.write_atomically(JSON, json.dumps(figures, indent=2) + "\n")
    made = table(figures, kept_boards()[BOARD])
    readme.write(figures=made)
    print(made, end="")


if __name__ == "__main__":
    sys.exit(cli.main(main))
