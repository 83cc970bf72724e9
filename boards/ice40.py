"""What an iCE40 UltraPlus has cells of its own for: multipliers, weight memory, clock and reset.

Each keeps the contract of its portable form in ``hw``, which is what simulations run; the tests
hold the two together, cycle by cycle, on the cells' Verilog models.
"""

import math

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Const,
    DomainRenamer,
    Instance,
    Module,
    Signal,
)
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hw.mac import multiplier_ports
from hw.weights import memory_ports

SPRAM_WORDS = 16384
BLOCK_RAM_SHAPES = ((256, 16), (512, 8), (1024, 4), (2048, 2))  # words, bits
RESET_SECONDS = 20e-6  # block RAM reads 0 for some 3 us after configuration: six times that

#: Options of the synthesis. ABC9 maps with the delays of the device. Clock enables that fewer than
#: 8 flip-flops would share are left in the logic, or their distribution ends the longest path.
#: No memory of the engine is read where it is written in the same cycle (activations alternate
#: between two halves, the others are written in other phases), so what such a read would give is
#: free: without it, yosys adds a register and a multiplexer to every bit of block RAM.
SYNTHESIS = {
    "synth_opts": "-abc9 -device u -dffe_min_ce_use 8",
    "script_after_read": "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2",
}

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

    def __init__(self, *, images=1):
        if images not in (1, 2):
            raise ValueError(f"images must be 1 or 2, one a multiplier, not {images!r}")
        super().__init__(multiplier_ports(images))

    def elaborate(self, platform):
        m = Module()
        upper, *lower = self.activations
        product, others = Signal(16), Signal(16)
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

    def __init__(self, *, lanes, depth):
        if not isinstance(lanes, int) or lanes < 2 or lanes % 2:
            raise ValueError(f"lanes must be even, two a memory cell, not {lanes!r}")
        if not isinstance(depth, int) or not 2 <= depth <= SPRAM_WORDS:
            raise ValueError(f"depth must be 2 to {SPRAM_WORDS} words, not {depth!r}")
        super().__init__(memory_ports(lanes, depth))

    def elaborate(self, platform):
        m = Module()
        weights = self.data.as_value()
        for cell in range(len(self.write) // 2):
            low, high = self.write[2 * cell], self.write[2 * cell + 1]
            m.submodules[f"spram_{cell}"] = Instance(
                "SB_SPRAM256KA",
                i_CLOCK=ClockSignal(),
                i_CHIPSELECT=self.enable,
                i_WREN=self.write.any(),
                i_MASKWREN=Cat(low, low, high, high),  # one bit a nibble
                i_ADDRESS=Cat(self.address, Const(0, 14 - len(self.address))),
                i_DATAIN=Cat(self.write_data, self.write_data),
                i_STANDBY=Const(0),
                i_SLEEP=Const(0),
                i_POWEROFF=Const(1),  # active low
                o_DATAOUT=weights[16 * cell : 16 * cell + 16],
            )
        return m


class PowerOnReset(wiring.Component):
    """Holds ``reset`` until ``lock`` has been 1 for at least 20 us without a break.

    Parameters: ``clock_hz``. Members: ``lock``: In(1), asynchronous; ``reset``: Out(1), registered.
    Its flip-flops start from configuration and have no reset: use it in a reset-less domain.
    """

    def __init__(self, *, clock_hz):
        self.cycles = 1 << math.ceil(math.log2(clock_hz * RESET_SECONDS))
        super().__init__({"lock": In(1), "reset": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        locked, timer = Signal(), Signal(range(2 * self.cycles))
        m.submodules.synchronizer = FFSynchronizer(self.lock, locked)
        done = timer[-1]
        m.d.comb += self.reset.eq(~done)
        with m.If(~locked):
            m.d.sync += timer.eq(0)
        with m.Elif(~done):
            m.d.sync += timer.eq(timer + 1)
        return m


class ClockAndReset(wiring.Component):
    """The board's clock pin through the PLL, and the power-on reset.

    Parameters: ``settings``, a ``boards.pll.PllSettings`` for the platform's default clock.
    Members: ``clock``: Out(1), constrained to the PLL's output frequency; ``reset``: Out(1).
    """

    clock: Out(1)
    reset: Out(1)

    def __init__(self, *, settings):
        self.settings = settings
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        pll, lock = self.settings, Signal()
        pin = platform.request(platform.default_clk, dir="-")
        m.submodules.pll = Instance(
            "SB_PLL40_PAD",
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=Const(pll.divr, 4),
            p_DIVF=Const(pll.divf, 7),
            p_DIVQ=Const(pll.divq, 3),
            p_FILTER_RANGE=Const(pll.filter_range, 3),
            io_PACKAGEPIN=pin.io,
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=self.clock,
            o_LOCK=lock,
        )
        platform.add_clock_constraint(self.clock, pll.output_hz)
        m.domains.por = ClockDomain(reset_less=True, local=True)
        timer = PowerOnReset(clock_hz=pll.output_hz)
        m.submodules.timer = DomainRenamer("por")(timer)
        m.d.comb += [ClockSignal("por").eq(self.clock), timer.lock.eq(lock)]
        m.d.comb += self.reset.eq(timer.reset)
        return m


def block_rams(words, bits):
    """Block RAMs of a memory, in the shape that needs the fewest."""
    return min(math.ceil(words / deep) * math.ceil(bits / wide) for deep, wide in BLOCK_RAM_SHAPES)


def expected_cells(config):
    """The cells that an engine of ``config`` must come to: ``dsp``, ``ebr`` and ``spram``."""
    biases, results = (
        max(1, config.requantizers // config.images),
        config.max_outputs * config.images,
    )
    memories = (
        *[(config.rows, 8)] * config.values,  # activations, two layers
        (config.bias_neurons // biases, 32 * biases),
        (results // config.requantizers, 32 * config.requantizers),
        *[(config.program_words, 16)] * 3,  # for the loader, the runner and the reader
    )
    return {
        "dsp": config.lanes,
        "ebr": sum(block_rams(*memory) for memory in memories),
        "spram": config.lanes // 2,
    }
