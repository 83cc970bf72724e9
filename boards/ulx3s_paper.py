"""ULX3S with the path-order engine: errors flow backwards too, and inputs come 16 a cycle."""

from dataclasses import replace

from sobolpath.hw.path_order.config import CONFIGS

from . import ulx3s

BOARD = replace(
    ulx3s.BOARD,
    name="ulx3s-paper",
    summary="ULX3S, ECP5 LFE5U-85F: 16 lanes in path order, both ways",
    config=CONFIGS["ulx3s"],
    clock_hz=50e6,
)
