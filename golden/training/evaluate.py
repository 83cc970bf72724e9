"""How good a network is: the logits of many images, in floats and in integers, and accuracies."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import data
from ..machine import engine
from ..machine.model import Model
from ..support import cli
from .network import Network

PIECE = 2048  # images at a time


def infer(
    function: Callable[[np.ndarray], np.ndarray], images: np.ndarray, description: str
) -> np.ndarray:
    """The logits of many images: ``function`` of 2,048 at a time, with a bar where that is slow."""
    options = {"desc": description, "unit": "image", "delay": 1}
    with cli.progress(total=len(images), **options) as bar:
        logits = []
        for start in range(0, len(images), PIECE):
            logits.append(function(images[start : start + PIECE]))
            bar.update(len(logits[-1]))
    return np.concatenate(logits)


def float_logits(
    network: Network, images: np.ndarray, scale: float = data.INPUT_SCALE
) -> np.ndarray:
    """The logits of a float network: ``float32`` (B, n_L), one step of an input worth ``scale``."""
    return infer(lambda some: network.infer(some * np.float32(scale)), images, "floats")


def integer_logits(quantized: Model, images: np.ndarray) -> np.ndarray:
    """The logits of a model: ``int32`` (B, n_L)."""
    return infer(lambda some: engine.infer(quantized, some), images, "integers")


def float_accuracy(
    network: Network, dataset: data.DataSet, scale: float = data.INPUT_SCALE
) -> float:
    """Accuracy of a float network on ``x_test``, 0 to 1; ``scale`` is that of an input."""
    logits = float_logits(network, dataset.x_test, scale)
    return float((logits[:, : dataset.classes].argmax(axis=1) == dataset.y_test).mean())


def integer_classes(quantized: Model, images: np.ndarray) -> np.ndarray:
    """The classes that a model gives: ``int64`` (B,)."""
    return engine.classify(quantized, integer_logits(quantized, images))


def accuracies(
    network: Network, quantized: Model, dataset: data.DataSet, said: np.ndarray | None = None
) -> dict[str, float]:
    """Accuracy of the floats and of the integers on ``x_test``, 0 to 1.

    ``said`` : the classes of :func:`integer_classes`, where they are known already.
    """
    said = integer_classes(quantized, dataset.x_test) if said is None else said
    return {
        "accuracy_float": float_accuracy(network, dataset, quantized.input_scale),
        "accuracy_int": float((said == dataset.y_test).mean()),
    }


def by_class(quantized: Model, labels: np.ndarray, said: np.ndarray) -> list[dict[str, Any]]:
    """Of each class, how many images it has, how many are right, and what the others are taken for.

    ``labels`` and ``said`` are (B,). ``mistaken_for`` is the class that most of the others are
    taken for, the first one of equals; ``None`` where all are right.
    """
    counts = np.zeros((quantized.classes, quantized.classes), np.int64)
    np.add.at(counts, (labels, said), 1)
    wrong = counts * (1 - np.eye(len(counts), dtype=np.int64))
    names = quantized.names
    return [
        {
            "class": number,
            "class_name": names[number],
            "images": int(row.sum()),
            "right": int(row[number]),
            "mistaken_for": names[int(others.argmax())] if others.any() else None,
        }
        for number, (row, others) in enumerate(zip(counts, wrong, strict=True))
    ]
