"""What ``sobolpath import`` says of a network: its layers, its zeros, how far integers are off."""

import textwrap
from itertools import pairwise

import numpy as np

from sobolpath.golden.commands import shared
from sobolpath.golden.support.command import Say

from ..chain import Chain

SPARSE = 0.5  # the share of zeros from which weights are called a mask


def wrapped(title: str, text: str, say: Say) -> None:
    """Lines of 80 columns, with ``title`` in front of the first."""
    say(textwrap.fill(f"{title:<12}{text}", 80, subsequent_indent=" " * 12))


def layers(chain: Chain, widths: tuple[int, ...], say: Say) -> None:
    """Tell the sizes of a chain, those of its padded ``widths``, and what was odd about it."""
    say(f"layers      {'-'.join(map(str, chain.widths))} ({chain.weights:,} weights)")
    after = sum(n * m for n, m in pairwise(widths))
    say(f"padded      {'-'.join(map(str, widths))} ({after:,} weights)")
    for note in chain.notes:
        wrapped("note", note, say)


def zeros(chain: Chain, say: Say) -> list[float]:
    """The share of zeros in the weights of each layer; it is said where they are a mask."""
    shares = []
    for layer in chain.layers:
        rows = layer.weights[layer.weights.any(axis=1)]  # an output of its own for a class has none
        shares.append(float((rows == 0).mean()) if rows.size else 1.0)
    for layer, share in zip(chain.layers, shares, strict=True):
        if share >= SPARSE:
            shared.warn(
                f"{share:.0%} of the weights of {layer.name} are 0: a mask that is not of Sobol' "
                "paths. They are paths like others; --sparsify trains with fewer",
                say,
            )
    return shares


def error(wanted: np.ndarray, logits: np.ndarray) -> float:
    """How far integer logits are from those wanted: rms, relative, at the best scale."""
    logits = logits.astype(np.float64)
    scale = float((wanted * logits).sum() / max((logits * logits).sum(), 1e-300))
    return float(np.sqrt(np.square(scale * logits - wanted).mean() / np.square(wanted).mean()))
