"""iCEBreaker: iCE40UP5K-SG48, 12 MHz, serial port over USB (FT2232H, up to 12 Mbaud).

The FT2232H reaches the flash, and the device only where jumpers are changed. Lamps: ready is the
green one, error the red one, and busy a green one of the part that can be broken off (pin 1 of
PMOD 2).

Two images share each weight, so all sixteen 8 x 8 multipliers of the device work.
"""

from amaranth.build import Attrs, Pins, PinsN, Resource
from amaranth_boards.icebreaker import ICEBreakerPlatform

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.ice40 import ULTRAPLUS
from .flow.loader import Loader

CMOS = Attrs(IO_STANDARD="SB_LVCMOS")

BOARD = Board(
    name="icebreaker",
    summary="iCEBreaker, iCE40UP5K: 8 lanes, 2 images, 131,072 weights",
    platform=ICEBreakerPlatform,
    family=ULTRAPLUS,
    config=CONFIGS["icebreaker"],
    loader=Loader(name="ice40_generic", sram=False),
    resources=(
        Resource("led_ready", 0, PinsN("37", dir="o"), CMOS),
        Resource("led_busy", 0, Pins("1", dir="o", conn=("pmod", 2)), CMOS),
        Resource("led_error", 0, PinsN("11", dir="o"), CMOS),
    ),
    flash=0x20000,  # behind one bitstream of 104 kB
)
