"""JSON of the commands: a key has one type and one meaning, whichever command writes it."""

import contextlib
import io
import json
from collections import defaultdict

import numpy as np
import pytest

from sobolpath.__main__ import COMMANDS, main
from sobolpath.boards import report
from tests.exchange.networks import mlp
from tests.support.networks import small_digits

#: Below these are the names of options, columns, packages and memories, not keys.
OTHERS = {"parameters", "options", "rows", "findings", "versions", "tools", "files", "memory_bits"}
NETWORK = "--layers 64-32-16 --paths 64,32"
#: A run of each that takes seconds, in a folder that has small.npz.
RUNS = {
    "train": f"--data digits {NETWORK} --epochs 1 --nested 32 --out m.npz",
    "eval": "small.npz --data digits",
    "quality": NETWORK,
    "compare": f"--data digits {NETWORK} --epochs 1 --seeds 1 --topologies sobol,fixed-fan",
    "zoo": "",
    "reproduce": "edges-32 --csv e.csv --plot e.svg",
    "sweep": "small.toml --jobs 1 --plot s.svg",
    "bench": "--data random --layers 16-8 --paths 32 --sizes 16,32,64 --batches 1 --repeats 1",
    "import": "net.onnx --data digits --out i.npz",
    "export": "small.npz --out s.onnx",
    "sim run": "small.npz --data digits --config tiny --backend pysim --limit 4",
    "sim profile": "small.npz --config tiny --backend pysim",
    "sim trace": "small.npz --data digits --config tiny --backend pysim --image 3",
    "sim explain": "--plot x.svg",
    "sim conflicts": "--layers 16-16 --paths 32 --lanes 4 --queues 1 --plot c.svg",
    "sim grow": "small.npz --data digits --config tiny --backend pysim --limit 4 --sizes 32,64",
    "sim learn": f"--data digits {NETWORK} --images 150 --epochs 1 --config tiny-learn",
    "sim bench-learn": "--data random --layers 64-32-16 --paths 64,32 --images 40 --repeats 1",
    "hw list": "",
    "hw verilog": "--config tiny -o e.v",
    "hw image": "small.npz --config tiny -o m.hex",
    "board list": "",
    "board program": "icebreaker --model digits --dry-run",
    "pytorch bench": "--layers 16-8 --paths 32 --batch 2 --batches 1 --repeats 1",
    "host list": "",
    "host identify": "--port twin:tiny",
    "host load": "small.npz --port twin:tiny",
    "host infer": "images.npy --model small.npz -o logits.npy --port twin:tiny",
    "host classify": "image.npy --model digits --port twin:icebreaker",
    "host bench": "--model small.npz --limit 3 --port twin:tiny",
    "host selftest": "--networks 2 --port twin:icebreaker",
}
SWEEP = """
[fixed]
data = "digits"
epochs = 1
layers = "64-16"
board = "hx8k"
[grid]
paths = [64, 128]
"""
#: These take minutes, or until they are ended; ``board build``'s is what docs/boards.json keeps.
SLOW = {"demo", "sim bench", "sim serve", "board build", "board verify"}
MEANT = {"images_together": int, "paths": list, "weights": int, "layers": list, "lanes": int}


def kind(value):
    """The type that counts: a number is a number, and nothing is of any type."""
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
    )


def walk(value, where):
    """Every dictionary in a value, with the keys that lead to it."""
    if isinstance(value, dict):
        yield where, value
        for key, each in value.items():
            if key not in OTHERS:
                yield from walk(each, (*where, key))
    elif isinstance(value, list):
        for each in value:
            yield from walk(each, where)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What the commands write, by their words; what they print fits 80 columns."""
    out = tmp_path_factory.mktemp("json")
    small_digits(out)
    mlp((64, 16, 10))[0].save(out / "net.onnx")
    (out / "small.toml").write_text(SWEEP)
    np.save(out / "images.npy", np.zeros((3, 64), np.uint8))
    np.save(out / "image.npy", np.zeros((8, 8)))
    found = {}
    for words, line in RUNS.items():
        said = io.StringIO()
        with contextlib.chdir(out), contextlib.redirect_stdout(said):
            assert main([*words.split(), *line.split(), "--json", "r.json"]) == 0, words
        found[words] = json.loads((out / "r.json").read_text())
        too_long = [line for line in said.getvalue().splitlines() if len(line) > 80]
        assert said.getvalue(), words
        assert not too_long, words
    kept = [{k: v for k, v in each.items() if k != "models"} for each in report.kept().values()]
    return {**found, "board build": kept}


def test_every_command_is_run():
    assert set(RUNS) | SLOW == set(COMMANDS)


def test_a_key_has_one_type(written):
    kinds = defaultdict(lambda: defaultdict(set))
    for words, result in written.items():
        for where, entry in walk(result, (words,)):
            for key, value in entry.items():
                if value is not None:
                    kinds[key][kind(value)].add(" ".join(where))
    assert len(kinds) > 100
    assert {key: dict(found) for key, found in kinds.items() if len(found) > 1} == {}


def test_what_the_keys_of_a_network_are(written):
    seen = defaultdict(int)
    for result in written.values():
        for _, entry in walk(result, ()):
            for key, wanted in MEANT.items():
                if key in entry:
                    assert type(entry[key]) is wanted, (key, entry)
                    seen[key] += 1
            if "paths" in entry:
                assert entry.get("weights", sum(entry["paths"])) == sum(entry["paths"])
                assert all(type(count) is int for count in entry["paths"])
    assert set(seen) == set(MEANT)
    for words in ("train", "eval", "quality", "compare", "zoo", "sim run", "sim explain"):
        assert any({"paths", "weights"} <= set(entry) for _, entry in walk(written[words], ())), (
            words
        )
