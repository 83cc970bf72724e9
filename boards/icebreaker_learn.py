"""iCEBreaker with the engine that learns: the host sends images and labels, the device learns.

The device is nearly full, so there is no boot loader: the host loads the network.
"""

from dataclasses import replace

from sobolpath.hw.learn.config import CONFIGS

from . import icebreaker
from .families.ice40 import DENSE

BOARD = replace(
    icebreaker.BOARD,
    name="icebreaker-learn",
    summary="iCEBreaker, iCE40UP5K: 8 lanes learn, 65,536 weights",
    config=CONFIGS["icebreaker-learn"],
    family=DENSE,
    flash=None,
    clock_hz=42e6,
)
