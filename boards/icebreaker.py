"""iCEBreaker: iCE40UP5K-SG48, 12 MHz, serial port over USB (FT2232H, up to 12 Mbaud).

Two images share each weight, so all sixteen 8 x 8 multipliers of the device work.
"""

from amaranth_boards.icebreaker import ICEBreakerPlatform

from sobolpath.hw.config import CONFIGS

from .board import Board
from .families.ice40 import ULTRAPLUS

BOARD = Board(
    name="icebreaker",
    summary="iCEBreaker, iCE40UP5K: 8 lanes, 2 images, 131,072 weights",
    platform=ICEBreakerPlatform,
    family=ULTRAPLUS,
    config=CONFIGS["icebreaker"],
)
