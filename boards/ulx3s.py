"""ULX3S with an LFE5U-85F: 25 MHz, serial port over USB (FT231X, up to 3 Mbaud).

Lamps, of the row of eight: ready is D2, busy D1, error D0.
"""

from amaranth.build import Attrs, Pins, Resource
from amaranth_boards.ulx3s import ULX3S_85F_Platform

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.ecp5 import ECP5
from .flow.loader import Loader

CMOS = Attrs(IO_TYPE="LVCMOS33", DRIVE="4")

BOARD = Board(
    name="ulx3s",
    summary="ULX3S, ECP5 LFE5U-85F: 64 lanes, 131,072 weights",
    platform=ULX3S_85F_Platform,
    family=ECP5,
    config=CONFIGS["ulx3s"],
    resources=(
        Resource("led_ready", 0, Pins("C1", dir="o"), CMOS),
        Resource("led_busy", 0, Pins("C2", dir="o"), CMOS),
        Resource("led_error", 0, Pins("B2", dir="o"), CMOS),
    ),
    loader=Loader(name="ulx3s"),
    flash=0x3E0000,  # behind two bitstreams of at most 1.95 MB, at 0 and at 0x200000
    clock_hz=100e6,
)
