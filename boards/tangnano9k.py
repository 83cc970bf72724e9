"""Tang Nano 9K: GW1NR-LV9QN88PC6/I5, 27 MHz, serial port over USB (BL702).

Block RAM is what bounds: of 26, mnist-37k's 36,864 weights fill 18, 8 lanes wide and 4,608 words
deep (16 lanes: 20). Activations of two images take 4, biases 2 and results 1. Four images would
keep 32 of the 40 multipliers busy, but their activations, 256 bits a row, take 8.

It does not boot a network from a flash: its bitstream is in the device's own flash, and the serial
flash on the board is not what openFPGALoader writes. Lamps: ready is the one at pin 10, busy at 11,
error at 13.
"""

from amaranth.build import Attrs, PinsN, Resource
from amaranth_boards.tang_nano_9k import TangNano9kPlatform

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.gowin import GOWIN
from .flow.loader import Loader

CMOS = Attrs(IO_TYPE="LVCMOS18")  # the lamps' bank has 1.8 V

BOARD = Board(
    name="tangnano9k",
    summary="Tang Nano 9K, GW1NR-9C: 8 lanes, 2 images, 36,864 weights",
    platform=TangNano9kPlatform,
    family=GOWIN,
    config=CONFIGS["tangnano9k"],
    resources=(
        Resource("led_ready", 0, PinsN("10", dir="o"), CMOS),
        Resource("led_busy", 0, PinsN("11", dir="o"), CMOS),
        Resource("led_error", 0, PinsN("13", dir="o"), CMOS),
    ),
    loader=Loader(name="tangnano9k", verifies=False),
    clock_hz=90e6,
)
