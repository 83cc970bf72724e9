"""The signals of one inference, in a file for GTKWave or Surfer, and what to look at.

    .venv/bin/python examples/waveforms.py [FOLDER]

trains a small network on the digits, simulates one image on the smallest engine (``tiny``: 4
lanes), writes FOLDER/inference.vcd (build/examples unless given), and prints when things happen,
with the signals that show them. Open it with one of

    gtkwave build/examples/inference.vcd.gtkw
    surfer -c build/examples/inference.vcd.sucl build/examples/inference.vcd
"""

import sys
from pathlib import Path

from sobolpath.__main__ import main
from sobolpath.sim.waves.fst import variables

#: What happens: in words, and the signals that are all 1 in that cycle.
EVENTS = (
    ("the first byte of the network is written", "write__valid", "write__ready"),
    ("the first input is taken", "inputs.i__valid", "inputs.i__ready"),
    ("an inference is under way", "busy"),
    ("the first step is issued: source row and D are known", "control.issuer.valid"),
    ("its activations and weights reach the lanes", "lanes.mac.tag.valid"),
    ("the first row of sums is complete", "lanes.mac.done"),
    ("the first hidden activation is written", "probe__activation"),
    ("the first sum of the last layer is written", "probe__result"),
    ("the first logit leaves", "results.o__valid", "results.o__ready"),
)


def edges(vcd: Path) -> list[dict[str, str]]:
    """The engine's 1-bit signals before each rising edge of its clock: name -> "0" or "1".

    The engine is the second scope of the file; names are those of its parts, joined by dots.
    """
    with open(vcd, encoding="utf-8") as file:
        names = {}
        for scopes, name, bits, code in variables(file):
            if bits == 1 and len(scopes) >= 2:
                names.setdefault(code, []).append(".".join((*scopes[2:], name)))
        now, found = {}, []
        for line in file:
            value, code = line[0], line[1:].strip()
            if value not in "01" or code not in names:
                continue
            if "clk" in names[code] and value == "1":
                found.append(dict(now))
            now.update(dict.fromkeys(names[code], value))
    return found


def first(cycles: list[dict[str, str]], *signals: str) -> int:
    """The first cycle in which all of these signals are 1."""
    return next(n for n, now in enumerate(cycles) if all(now.get(s) == "1" for s in signals))


def run(folder: Path) -> None:
    """Train, simulate, and say when what happens."""
    folder.mkdir(parents=True, exist_ok=True)
    model, vcd = str(folder / "small.npz"), folder / "inference.vcd"
    network = ("--layers", "64-32-16", "--paths", "256,128", "--epochs", "10")
    once = ("--limit", "1", "--backend", "pysim", "--vcd", str(vcd))
    for words in (
        ("train", "--data", "digits", *network, "--out", model),
        ("sim", "run", model, "--config", "tiny", "--data", "digits", *once),
    ):
        if code := main(words):
            raise SystemExit(code)
    cycles = edges(vcd)
    print(
        f"\n{vcd}: {len(cycles):,} cycles of 1 us\n\n cycle  signals that are 1, and what happens"
    )
    for words, *signals in EVENTS:
        print(f"{first(cycles, *signals):6}  {' and '.join(signals)}: {words}")


if __name__ == "__main__":
    run(Path(*sys.argv[1:2] or ["build/examples"]))
