"""The sizes of an engine's memories, once: what is built, written, counted and reported of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sobolpath.golden.machine.image import Space

if TYPE_CHECKING:
    from .config import EngineConfig
    from .path_order.config import PathOrderConfig


@dataclass(frozen=True, kw_only=True)
class MemorySize:
    """The size of a memory.

    Parameters
    ----------
    part : the part of the engine that it is in.
    words, width : words of ``width`` bits each.
    unit : bits that are written together.
    copies : that hold the same, one for each of its readers.
    banks : of the same size, each with addresses of its own.
    item : bytes of one thing that it holds: a word of weights, a bias, a word of the program.
    space : what bytes from outside are written to it, or None.
    """

    part: str
    words: int
    width: int
    item: int
    unit: int = 8
    copies: int = 1
    banks: int = 1
    space: Space | None = None

    @property
    def bits(self) -> int:
        """Bits of one copy, of all its banks."""
        return self.words * self.width * self.banks

    @property
    def bytes(self) -> int:
        """Bytes of one copy."""
        return self.bits // 8


def memories(config: EngineConfig | PathOrderConfig) -> dict[str, MemorySize]:
    """The memories of an engine by name."""
    return config.memories


def of_path_engine(config: EngineConfig) -> dict[str, MemorySize]:
    """Those of a ``hw.engine.PathEngine``."""
    biases, group = max(1, config.requantizers // config.images), 32 * config.requantizers
    results = config.max_outputs * config.images // config.requantizers
    return {
        "weights": MemorySize(
            part="lanes.weights",
            words=config.weight_words,
            width=8 * config.lanes,
            item=config.lanes,
            space=Space.WEIGHTS,
        ),
        "activations": MemorySize(
            part="lanes.activations",
            words=config.rows,  # of two layers
            width=8 * config.values // config.input_width,
            item=1,
            banks=config.input_width,
        ),
        "biases": MemorySize(
            part="drain.biases",
            words=config.bias_neurons // biases,
            width=32 * biases,
            item=4,
            space=Space.BIASES,
        ),
        "results": MemorySize(part="results", words=results, width=group, item=4, unit=group),
        "program": MemorySize(
            part="control.program",
            words=config.program_words,
            width=16,
            item=2,
            copies=3,  # one each for loader, runner and reader
            space=Space.PROGRAM,
        ),
    }


def spaces(config: EngineConfig | PathOrderConfig) -> dict[Space, MemorySize]:
    """The memories that bytes from outside are written to, by space."""
    found = {size.space: size for size in memories(config).values() if size.space is not None}
    return {space: found[space] for space in Space if space in found}
