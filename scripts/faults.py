"""``make faults``: damage whole sessions between driver and device, and count how they end.

A session opens the golden twin, loads a small network and infers an odd number of images. It is
damaged at one place, and repeated until every place had its turn. A session may end with the right
logits or with an exception of the driver; wrong logits, or a session without an end, are faults of
ours. Writes docs/faults.json, and the table of docs/verification.md.
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache

import numpy as np

from scripts import readme
from scripts.readme import ROOT
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import Model
from sobolpath.golden.protocol import boot
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.protocol.network import pack
from sobolpath.golden.support import cli
from sobolpath.host import Board, HostError
from sobolpath.host.selftest import random_network
from tests.support.faulty import BYTES, EVENTS, IN, OUT, Fault, Faulty, Hangs

JSON = ROOT / "docs" / "faults.json"
ENDS = ("right", "raised", "wrong", "hangs")
IMAGES = 5  # of a device that infers two together: the last one is alone
IDENTITY = Identity(
    lanes=4,
    max_neurons=32,
    weight_words=64,
    bias_neurons=64,
    max_outputs=16,
    program_words=128,
    requantizers=1,
    images=2,
    registers=0,
    overlap=True,
    clock_hz=48_000_000,
    divisor=48,
)
BURST = 4  # bytes one after the other, replaced at random
DELAYS = (0.02, 1.3)  # seconds; a reply is waited for half a second and some
RANDOM_BYTES = 10**6
NOISE = (1e-3, 1e-2)
WHAT = {
    "flip": "one bit of a byte flipped, every bit",
    "lose": "a byte lost",
    "double": "a byte doubled",
    "replace": "four bytes in a row replaced by random ones",
    "delay": "a byte, and all behind it, {} late",
    "break": "a break that nobody asked for",
    "framing": "a stop bit missing",
    "overrun": "a byte overrun",
    "reset": "the device reset",
    "unplug": "the port gone",
}


@cache
def networks() -> tuple[Model, Model, np.ndarray, np.ndarray]:
    """The network of the sessions, another of its shape, the images, and their logits."""
    rng = np.random.default_rng(1)
    model = random_network(rng, IDENTITY, most=64)
    while True:
        other = random_network(rng, IDENTITY, most=64)
        if other.topology.layers == model.topology.layers:
            break
    images = rng.integers(0, 256, (IMAGES, model.topology.layers[0]), dtype=np.uint8)
    return model, other, images, engine.infer(model, images)


def session(link: Faulty, retries: int = 3) -> str:
    """Open, load, infer over ``link``: one of ``ENDS``."""
    model, _, images, expected = networks()
    try:
        with Board(link=link, retries=retries) as board:
            board.load(model)
            logits = board.infer(images)
    except HostError:
        return "raised"
    except Hangs:
        return "hangs"
    return "right" if np.array_equal(logits, expected) else "wrong"


def device(flash: bool = False) -> Device:
    """A device without a network; with ``flash``, one that boots another network of that shape."""
    other = boot.image(pack(networks()[1], IDENTITY)) if flash else b""
    return Device(IDENTITY, flash=other)


def lengths() -> dict[str, int]:
    """Bytes each way of a session without a fault; it must end well."""
    link = Faulty(device())
    if session(link) != "right":
        raise SystemExit("a session without a fault must give the right logits")
    return link.counts


def plans(seed: int) -> Iterator[tuple[str, str, list[dict]]]:
    """What is tried: (name, direction, sessions: the settings of a :class:`Faulty`)."""
    counts, rng = lengths(), random.Random(seed)
    for way in (OUT, IN):
        places = range(counts[way])
        for kind in (*BYTES, *EVENTS):
            if kind in ("framing", "overrun") and way == IN:
                continue  # of what the device receives
            for argument in DELAYS if kind == "delay" else (0,):
                yield (
                    WHAT[kind].format(f"{argument:g} s"),
                    way,
                    [
                        {"faults": faults}
                        for place in places
                        for faults in _faults(kind, way, place, argument, rng)
                    ],
                )
            if kind == "reset":
                faults = [{"faults": [Fault(way, place, kind)], "flash": True} for place in places]
                yield f"{WHAT[kind]}, it boots another network", way, faults
        flips = [{"faults": _faults("flip", way, place, 0, rng)[place % 8]} for place in places]
        yield (
            "one bit of a byte flipped, on a line without breaks",
            way,
            [{**each, "can_break": False} for each in flips],
        )
    for noise in NOISE:
        damaged = [{"noise": noise, "seed": rng.randrange(2**31)} for _ in range(2000)]
        yield f"each byte replaced with probability {noise:g}", "both ways", damaged


def _faults(kind, way, place, argument, rng):
    if kind == "flip":
        return [[Fault(way, place, kind, bit)] for bit in range(8)]
    if kind == "replace":
        return [[Fault(way, place + n, kind, rng.randrange(256)) for n in range(BURST)]]
    return [[Fault(way, place, kind, argument)]]


def run(settings: dict) -> str:
    """How one session ends."""
    flash = settings.get("flash", False)
    more = {name: settings[name] for name in ("noise", "seed") if name in settings}
    link = Faulty(device(flash), *settings.get("faults", ()), **more)
    link.can_break = settings.get("can_break", True)
    return session(link)


def after_random_bytes(count: int, pieces: int, seed: int) -> dict[str, int]:
    """``count`` random bytes to a device in ``pieces``, a whole session after each of them."""
    rng, ends = np.random.default_rng(seed), Counter()
    twin = device()
    for _ in range(pieces):
        twin.take(rng.integers(0, 256, count // pieces, dtype=np.uint8).tobytes())
        ends[session(Faulty(twin))] += 1
        twin.take(rng.integers(0, 256, 100, dtype=np.uint8).tobytes())  # no break between
    return ends


def measure(*, seed: int = 0, every: int = 1) -> list[dict]:
    """A row for each kind of damage: of its sessions only each ``every``-th is run."""
    rows = []
    for what, way, settings in plans(seed):
        chosen = settings[seed % every :: every]
        ends = Counter(run(each) for each in cli.progress(chosen, desc=what[:30]))
        rows.append(_row(what, way, ends))
    ends = after_random_bytes(RANDOM_BYTES // every, 100, seed)
    rows.append(_row(f"{RANDOM_BYTES // every:,} random bytes before, in 100 parts", OUT, ends))
    return rows


def _row(what, way, ends):
    return {"what": what, "direction": way, "sessions": sum(ends.values())} | {
        end: ends[end] for end in ENDS
    }


def table(rows: list[dict]) -> str:
    """The table of docs/verification.md."""
    head = ("damage", "bytes", "sessions", "right", "an exception", "wrong", "no end")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = (row["what"], row["direction"], *(f"{row[k]:,}" for k in ("sessions", *ENDS)))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """The command: exit code 1 where any session ended wrong, or did not."""
    parser = argparse.ArgumentParser(description="Damage sessions, count how they end.")
    parser.add_argument("--seed", type=int, default=0, help="of the random bytes")
    parser.add_argument("--every", type=int, default=1, help="run each N-th session alone; no file")
    options = parser.parse_args()
    rows = measure(seed=options.seed, every=options.every)
    print(table(rows))
    if options.every == 1:
        JSON.write_text(json.dumps({"seed": options.seed, "rows": rows}, indent=2) + "\n")
        readme.write(faults=table(rows) + "\n")
    return 1 if any(row["wrong"] or row["hangs"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
