"""OrangeCrab r0.2 with an LFE5U-25F: 48 MHz, no serial port but pins.

A USB-serial adapter (3.3 V) goes to the header: pin 0 receives, pin 1 sends.

It does not boot from its flash: its own boot loader, which programs it over USB, keeps that flash,
and where it puts what is no bitstream differs between its versions. Lamps, of one LED: ready is
green, busy blue, error red.
"""

from amaranth.build import Attrs, PinsN, Resource
from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_25FPlatform
from amaranth_boards.resources import UARTResource

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.ecp5 import ECP5
from .flow.loader import Loader

CMOS = Attrs(IO_TYPE="LVCMOS33")

BOARD = Board(
    name="orangecrab",
    summary="OrangeCrab, ECP5 LFE5U-25F: 16 lanes, 65,536 weights",
    platform=OrangeCrabR0_2_25FPlatform,
    family=ECP5,
    config=CONFIGS["orangecrab"],
    resources=(
        UARTResource(0, rx="N17", tx="M18", attrs=CMOS),
        Resource("led_ready", 0, PinsN("M3", dir="o"), CMOS),
        Resource("led_busy", 0, PinsN("J3", dir="o"), CMOS),
        Resource("led_error", 0, PinsN("K4", dir="o"), CMOS),
    ),
    loader=Loader(name="orangeCrab", sram=False, verifies=False),
    clock_hz=96e6,
)
