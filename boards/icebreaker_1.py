"""iCEBreaker with one image at a time: smaller, with room for more biases and outputs."""

from dataclasses import replace

from sobolpath.hw.config import CONFIGS

from . import icebreaker

BOARD = replace(
    icebreaker.BOARD,
    name="icebreaker-1",
    summary="iCEBreaker, iCE40UP5K: 8 lanes, 1 image, 131,072 weights",
    config=CONFIGS["icebreaker-1"],
)
