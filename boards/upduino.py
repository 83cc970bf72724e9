"""UPduino v3: iCE40UP5K-SG48, 12 MHz oscillator on pin 20 where the OSC jumper is closed.

Its internal oscillator is too inexact for a serial port, so that jumper must be closed. The FT232H
programs the device and no more; the serial port is on the header: pin 23 receives, pin 25 sends.
"""

from amaranth.build import Attrs, PinsN, Resource
from amaranth_boards.resources import UARTResource
from amaranth_boards.upduino_v3 import UpduinoV3Platform

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.ice40 import ULTRAPLUS_ANY_PIN

CMOS = Attrs(IO_STANDARD="SB_LVCMOS")


class Platform(UpduinoV3Platform):
    """The board with its oscillator as the clock."""

    default_clk = "clk12"


BOARD = Board(
    name="upduino",
    summary="UPduino v3, iCE40UP5K: 8 lanes, 2 images, 131,072 weights",
    platform=Platform,
    family=ULTRAPLUS_ANY_PIN,
    config=CONFIGS["upduino"],
    resources=(
        UARTResource(0, rx="23", tx="25", attrs=CMOS),
        Resource("led_g", 0, PinsN("39", dir="o"), CMOS),
        Resource("led_r", 0, PinsN("41", dir="o"), CMOS),
    ),
)
