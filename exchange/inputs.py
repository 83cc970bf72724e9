"""What the bytes that an engine takes are to a network that was trained on other numbers."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sobolpath.golden.data import Preparation
from sobolpath.golden.errors import InputError

from .chain import Chain, Quantizer


@dataclass(frozen=True)
class Inputs:
    """How samples become bytes, and bytes the inputs of a chain.

    Parameters
    ----------
    preparation : of the samples.
    width : inputs of the chain: the numbers of a sample, or those of a padded one.
    low, step : what byte 0, and one step of a byte, mean to the chain: a number, or one for each of
        the chain's inputs. A padded byte is 0 and has no weights.

    Raises ``InputError`` where the chain takes samples of another size.
    """

    preparation: Preparation
    width: int
    low: Any
    step: Any

    def __post_init__(self):
        numbers = int(np.prod(self.preparation.shape))
        if self.width not in (numbers, self.preparation.inputs):
            raise InputError(
                f"the network must take the {numbers} numbers of a sample, not {self.width}"
            )

    @classmethod
    def between(cls, preparation: Preparation, width: int, low: Any, high: Any) -> "Inputs":
        """The inputs where byte 0 is ``low`` and byte 255 is ``high``."""
        return cls(preparation, width, low, (np.asarray(high) - low) / 255)

    @property
    def places(self) -> np.ndarray:
        """The byte that each of the chain's inputs is: ``int64`` (width,)."""
        if self.width == self.preparation.inputs:
            return np.arange(self.width)
        return self.preparation.positions()

    def floats(self, images: np.ndarray) -> np.ndarray:
        """The chain's inputs, ``float64`` (B, width), of ``uint8`` (B, n_0)."""
        return np.ravel(self.low) + images[:, self.places] * np.ravel(self.step)

    def widened(self, inputs: int) -> "Inputs":
        """The same with more zeros behind, which are padding to the chain too."""
        return replace(self, preparation=self.preparation.widened(inputs))

    def quantized(self, chain: Chain) -> "Inputs":
        """Those whose bytes are the integers of the chain's own quantizer, where it has such.

        Otherwise these. Samples are then rounded once, to what the quantizer makes of them.
        """
        known, quantizer = self.preparation, chain.input
        if quantizer is None or misfit(quantizer) is not None or quantizer.scale.size > 1:
            return self
        least, largest = np.array(known.least), np.array(known.largest)
        low, high = (np.broadcast_to(each, least.shape) for each in (self.low, self._high))
        if (largest <= least).any() or (high <= low).any():
            return self
        unit = (high - low) / (largest - least)
        scale = float(quantizer.scale.ravel()[0])
        ends = (least - low / unit, least + (255 * scale - low) / unit)
        begin, end = (tuple(np.ravel(each).tolist()) for each in ends)
        return Inputs(Preparation(known.shape, begin, end, known.inputs), self.width, 0.0, scale)

    @property
    def _high(self):
        return self.low + 255 * np.asarray(self.step)


def misfit(quantizer: Quantizer) -> str | None:
    """Why integers of a quantizer are no activations of the engine, or ``None``."""
    if quantizer.zero.any():
        return "have a zero point that is not 0"
    if quantizer.largest != 255:
        kind = "signed" if quantizer.signed else "unsigned"
        return f"are {kind} of {quantizer.bits} bits, and end at {quantizer.largest}, not at 255"
    return None
