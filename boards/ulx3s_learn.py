"""ULX3S with the engine that learns: 64 lanes, a row of weights learns in each cycle."""

from dataclasses import replace

from sobolpath.hw.learn.config import CONFIGS

from . import ulx3s
from .families.ecp5 import WIDE

BOARD = replace(
    ulx3s.BOARD,
    name="ulx3s-learn",
    summary="ULX3S, ECP5 LFE5U-85F: 64 lanes learn, 65,536 weights",
    config=CONFIGS["ulx3s-learn"],
    family=WIDE,
    flash=None,
    clock_hz=81.25e6,
)
