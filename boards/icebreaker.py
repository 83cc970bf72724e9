"""iCEBreaker: iCE40UP5K-SG48, 12 MHz, serial port over USB (FT2232H, up to 12 Mbaud)."""

from amaranth_boards.icebreaker import ICEBreakerPlatform

from hw.config import CONFIGS

from .board import Board

BOARD = Board(
    name="icebreaker",
    summary="iCEBreaker, Lattice iCE40UP5K: 8 lanes, 131,072 weights",
    platform=ICEBreakerPlatform,
    config=CONFIGS["icebreaker"],
)
