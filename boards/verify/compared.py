"""What both kinds of engines are compared by: logits, cycles, and the bytes of a network."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..flow.gates import Trace

UNTIL_LOADED = 16  # cycles of the reset and around the network's bytes, at most


def writes(config: Any, network: Iterable[tuple[int, int, int]]) -> list[int]:
    """The words of the engine's stream ``write``, of a network's (space, address, byte)."""
    layout = config.write_layout
    return [
        layout.const({"space": space, "address": address, "data": byte}).as_bits()
        for space, address, byte in network
    ]


def wrong_logits(trace: Trace, expected: np.ndarray, together: int) -> Iterator[str]:
    """A line for each logit that is not the golden one, missing or too many.

    ``expected`` : integers (B, n_L); ``together`` : images of an inference.
    """
    width = expected.shape[1]
    for place in range(max(expected.size, len(trace.logits))):
        where = f"image {place // width}, logit {place % width}"
        if place >= len(trace.logits):
            yield f"{where}: nothing came"
            continue
        valid, got, last = trace.logits[place]
        if place >= expected.size:
            yield f"{where}: must not come"
            continue
        wanted = int(expected.flat[place])
        ends = str(int((place + 1) % (together * width) == 0))
        if (valid, got, last) != ("1", f"{wanted & 0xFFFFFFFF:08x}", ends):
            yield f"{where}: expected {wanted}, got {_number(got)} (valid {valid}, last {last})"


def _number(digits):
    """A logit in hexadecimal as a number, or as it is where part of it is unknown."""
    try:
        return int(np.array(int(digits, 16), np.uint32).astype(np.int32))
    except ValueError:
        return digits


def ends(trace: Trace, inferences: int) -> list[int] | None:
    """The cycles of the last result of each inference; ``None`` where they are not as many."""
    each, odd = divmod(len(trace.results), inferences)
    if odd or not each or len(trace.taken) != inferences:
        return None
    return trace.results[each - 1 :: each]


def furthest(cycles: Iterable[int], predicted: int) -> int | None:
    """Of some numbers of cycles that furthest from the predicted one; ``None`` of none."""
    return max(cycles, key=lambda each: abs(each - predicted), default=None)


def failures(
    trace: Trace,
    wrong: Sequence[tuple[str, Sequence[str]]],
    cycles: Iterable[tuple[str, int | None, int | None]],
) -> tuple[str, ...]:
    """What is wrong, a line each.

    ``wrong`` : (what differs, a line for each); ``cycles`` : (name, cycles, predicted).
    """
    found = [f"{len(each)} {what} differ; the first: {each[0]}" for what, each in wrong if each]
    found += [
        f"the {name} must be {predicted} cycles, not {got}"
        for name, got, predicted in cycles
        if got != predicted
    ]
    if trace.busy != "0":
        found.append(f"busy must be 0 at the end, not {trace.busy}")
    return tuple(found)
