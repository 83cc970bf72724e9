"""iCEBreaker with the path-order engine: the machine of section 4.4 as the paper draws it.

The device is nearly full, so there is no boot loader: the host loads the network.
"""

from dataclasses import replace

from sobolpath.hw.path_order.config import CONFIGS

from . import icebreaker

BOARD = replace(
    icebreaker.BOARD,
    name="icebreaker-paper",
    summary="iCEBreaker, iCE40UP5K: 8 lanes in path order",
    config=CONFIGS["icebreaker"],
    flash=None,
    clock_hz=36e6,  # of the first five seeds all reach it, and none of them 48 MHz
)
