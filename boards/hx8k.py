"""iCE40-HX8K breakout board: iCE40HX8K-CT256, 12 MHz, serial port over USB (FT2232H).

Its jumpers say whether the FT2232H reaches the flash, as it is sold, or the device (J6 and J7).
Lamps: ready is D2, busy D3, error D4.
"""

from amaranth.build import Attrs, Pins, Resource
from amaranth_boards.ice40_hx8k_b_evn import ICE40HX8KBEVNPlatform

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.ice40hx import HX
from .flow.loader import Loader

CMOS = Attrs(IO_STANDARD="SB_LVCMOS")

BOARD = Board(
    name="hx8k",
    summary="HX8K breakout board, iCE40HX8K: 8 lanes, 8,192 weights",
    platform=ICE40HX8KBEVNPlatform,
    family=HX,
    config=CONFIGS["hx8k"],
    loader=Loader(name="ice40_generic", sram=False),
    clock_hz=96e6,
    resources=(
        Resource("led_ready", 0, Pins("B5", dir="o"), CMOS),
        Resource("led_busy", 0, Pins("B4", dir="o"), CMOS),
        Resource("led_error", 0, Pins("A2", dir="o"), CMOS),
    ),
    flash=0x100000,  # behind four bitstreams of 135 kB, as many as the device may choose from
)
