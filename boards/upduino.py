"""UPduino v3: iCE40UP5K-SG48, 12 MHz oscillator on pin 20 where the OSC jumper is closed.

Its internal oscillator is too inexact for a serial port, so that jumper must be closed. The FT232H
programs the device and no more; the serial port is on the header: pin 23 receives, pin 25 sends.
Lamps, of one LED: ready is green, busy blue, error red.
"""

from amaranth.build import Attrs, Pins, PinsN, Resource, Subsignal
from amaranth_boards.resources import UARTResource
from amaranth_boards.upduino_v3 import UpduinoV3Platform

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.ice40 import ULTRAPLUS_ANY_PIN
from .flow.loader import Loader

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
        Resource("led_ready", 0, PinsN("39", dir="o"), CMOS),
        Resource("led_busy", 0, PinsN("40", dir="o"), CMOS),
        Resource("led_error", 0, PinsN("41", dir="o"), CMOS),
        Resource(
            "spi_flash",  # without its line "hold", whose pin has the clock
            0,
            Subsignal("cs", PinsN("16", dir="o")),
            Subsignal("clk", Pins("15", dir="o")),
            Subsignal("copi", Pins("14", dir="o")),
            Subsignal("cipo", Pins("17", dir="i")),
            CMOS,
        ),
    ),
    loader=Loader(name="ice40_generic", cable="ft232", sram=False),
    flash=0x20000,  # behind one bitstream of 104 kB
)
