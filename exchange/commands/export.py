"""``sobolpath export``: a model as an ONNX file."""

from argparse import Namespace
from pathlib import Path

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.model import Model
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.command import Outcome, Say

from ..files import onnx
from ..writer import to_onnx

HELP = """\
Write a model as ONNX, for ONNX Runtime and whatever else reads it: standard
operators alone, integers that equal the engine's bit for bit, and weights for
the edges that are there. Its input is the samples as they come, in the shape
and numbers of the model's training data, and its outputs are the logits and the
class. With --bytes its input is the bytes that the engine takes.

The file is compared with the golden model before it is written: random inputs,
every logit, by the operators as ONNX defines them.

  sobolpath export mnist-37k --out build/mnist-37k.onnx
"""
CHECKED = 2**24  # products in one comparison, at most: bounds its memory


def arguments(parser: cli.Parser) -> None:
    """Add the options."""
    options.model(parser)
    options.out(parser, "the file to write, FILE.onnx")
    what = "take the engine's bytes, and not samples as they come"
    parser.add_argument("--bytes", action="store_true", help=what)
    options.seed(parser, what="the seed of the random inputs")
    options.json(parser)


def samples(model: Model, count: int, seed: int, prepared: bool) -> np.ndarray:
    """Random samples (count, *shape), or bytes (count, n_0), as the written file takes them."""
    random, known = np.random.default_rng(seed), model.preparation if prepared else None
    if known is None:
        return random.integers(0, 256, (count, model.topology.layers[0]), np.uint8)
    if known.kind == "bytes":
        return random.integers(0, 256, (count, *known.shape), np.uint8)
    least, factor = known.scale(1.0)
    places = random.uniform(-0.1, 1.1, (count, *known.shape))
    return least + places / np.where(factor, factor, 1.0)


def run(options: Namespace, say: Say) -> Outcome:
    """Write the file; its facts as a dict for ``--json``. Raises ``InputError``."""
    if Path(options.out).suffix != ".onnx":
        raise InputError(f"--out must be a file named .onnx, not {options.out!r}")
    if not 0 <= options.seed < 2**32:
        raise InputError(f"seed must be an integer from 0 to {2**32 - 1}, not {options.seed}")
    model = models.load(options.model)
    written = to_onnx(model, not options.bytes)
    prepared = model.preparation is not None and not options.bytes
    count = max(min(64, CHECKED // max(model.topology.paths)), 1)
    given = samples(model, count, options.seed, prepared)
    evaluator = onnx("reference").ReferenceEvaluator(written)
    logits, classes = evaluator.run(None, {evaluator.input_names[0]: given})
    whole = model.preparation.apply(given) if prepared and model.preparation else given
    wanted = engine.infer(model, whole)
    wrong = int((logits != wanted[:, : model.classes]).sum())
    wrong += int((classes != engine.classify(model, wanted)).sum())
    content = written.SerializeToString()
    result = {
        "model": str(options.model),
        "file": str(options.out),
        "bytes": len(content),
        "nodes": len(written.graph.node),
        "weights": model.topology.total_paths,
        "input": evaluator.input_names[0],
        "shape": list(given.shape[1:]),
        "dtype": str(given.dtype),
        "images_compared": count,
        "mismatches": wrong,
        "seed": options.seed,
    }
    say("{nodes} operators, {weights:,} weights, {bytes:,} bytes".format(**result))
    shape = "x".join(map(str, given.shape[1:]))
    say(f"input       {result['input']}: images x {shape}, {result['dtype']}")
    say(f"outputs     logits: images x {model.classes}, int32; class: images, int64")
    say(f"compared    {count} random images, seed {options.seed}: {wrong} mismatches")
    if wrong:
        return Outcome(result, [f"{wrong} values differ from the golden model; nothing is written"])
    cli.write_atomically(options.out, content)
    say(f"wrote       {options.out}")
    return Outcome(result)
