"""OrangeCrab with an LFE5U-85F: the engine of the ULX3S, on a device of a faster speed grade."""

from dataclasses import replace

from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_85FPlatform

from sobolpath.hw.config import CONFIGS

from . import orangecrab

BOARD = replace(
    orangecrab.BOARD,
    name="orangecrab-85",
    summary="OrangeCrab, ECP5 LFE5U-85F: 64 lanes, 131,072 weights",
    platform=OrangeCrabR0_2_85FPlatform,
    config=CONFIGS["orangecrab-85"],
)
