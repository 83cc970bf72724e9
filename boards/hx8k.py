"""iCE40-HX8K breakout board: iCE40HX8K-CT256, 12 MHz, serial port over USB (FT2232H)."""

from amaranth.build import Attrs, Pins, Resource
from amaranth_boards.ice40_hx8k_b_evn import ICE40HX8KBEVNPlatform

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.ice40hx import HX

CMOS = Attrs(IO_STANDARD="SB_LVCMOS")

BOARD = Board(
    name="hx8k",
    summary="HX8K breakout board, iCE40HX8K: 8 lanes, 8,192 weights",
    platform=ICE40HX8KBEVNPlatform,
    family=HX,
    config=CONFIGS["hx8k"],
    clock_hz=96e6,
    resources=(
        Resource("led_g", 0, Pins("B5", dir="o"), CMOS),  # D2
        Resource("led_r", 0, Pins("B4", dir="o"), CMOS),  # D3
    ),
)
