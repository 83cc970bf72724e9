"""ULX3S with the engine that learns: 32 lanes, a row of weights learns in each cycle."""

from dataclasses import replace

from sobolpath.hw.learn.config import CONFIGS

from . import ulx3s

BOARD = replace(
    ulx3s.BOARD,
    name="ulx3s-learn",
    summary="ULX3S, ECP5 LFE5U-85F: 32 lanes learn, 65,536 weights",
    config=CONFIGS["ulx3s-learn"],
    flash=None,
    clock_hz=87.5e6,
)
