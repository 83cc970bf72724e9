"""OrangeCrab r0.2 with an LFE5U-25F: 48 MHz, no serial port but pins.

A USB-serial adapter (3.3 V) goes to the header: pin 0 receives, pin 1 sends.
"""

from amaranth.build import Attrs, PinsN, Resource
from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_25FPlatform
from amaranth_boards.resources import UARTResource

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.ecp5 import ECP5

CMOS = Attrs(IO_TYPE="LVCMOS33")

BOARD = Board(
    name="orangecrab",
    summary="OrangeCrab, ECP5 LFE5U-25F: 16 lanes, 65,536 weights",
    platform=OrangeCrabR0_2_25FPlatform,
    family=ECP5,
    config=CONFIGS["orangecrab"],
    resources=(
        UARTResource(0, rx="N17", tx="M18", attrs=CMOS),
        Resource("led_g", 0, PinsN("M3", dir="o"), CMOS),
        Resource("led_r", 0, PinsN("K4", dir="o"), CMOS),
    ),
    clock_hz=96e6,
)
