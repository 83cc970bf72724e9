# amaranth: UnusedElaboratable=no
"""The iCE40's own cells against the portable forms, on the Verilog models of the cells."""

import random
import re
import shutil
import subprocess
from fractions import Fraction

import pytest
from amaranth.sim import Simulator

from sobolpath.boards.families import ice40, pll
from sobolpath.boards.families.family import block_rams
from sobolpath.boards.flow.tools import find
from sobolpath.boards.gateware import clocking
from sobolpath.golden.errors import InputError
from sobolpath.hw import mac, weights
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.export.verilog import convert

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
MODELS = ice40.models(None)

BENCH = """
`timescale 1ns/1ps
module bench;
  reg clk = 0;
  reg [{inputs}-1:0] stimuli [0:{cycles}-1];
  reg [{inputs}-1:0] stimulus = 0;
  wire [{outputs}-1:0] portable_out, cells_out;
  {ports}
  integer cycle;
  initial begin
    $readmemh("stimuli.hex", stimuli);
    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
      stimulus = stimuli[cycle];
      #5 clk = 1;
      #1 $display("%h %h", portable_out, cells_out);
      #4 clk = 0;
    end
    $finish(0);
  end
endmodule
"""


def run_both(folder, portable, cells, stimuli, inputs, outputs, models=MODELS):
    """Both components in Icarus, side by side on the same stimuli; or the Verilog text of one.

    ``inputs`` and ``outputs`` are lists of (port, width), the first in the lowest bits; ``models``
    are options and files of the cells' models. Returns the
    outputs after each clock edge: a list of (portable, cells), hexadecimal, x where undefined.
    """
    if shutil.which("iverilog") is None:
        pytest.fail("iverilog must be installed: run 'make test', which brings it")
    total = sum(width for _, width in inputs)
    results = sum(width for _, width in outputs)
    instances = []
    for name, component in (("portable", portable), ("cells", cells)):
        text = component if isinstance(component, str) else convert(component, name)
        (folder / f"{name}.v").write_text(text)
        ports, low = [".clk(clk)"], 0
        if "rst" in re.search(r"module \w+\((.*?)\)", (folder / f"{name}.v").read_text()).group(1):
            ports.append(".rst(1'b0)")
        for port, width in inputs:
            ports.append(f".{port}(stimulus[{low + width - 1}:{low}])")
            low += width
        low = 0
        for port, width in outputs:
            ports.append(f".{port}({name}_out[{low + width - 1}:{low}])")
            low += width
        instances.append(f"{name} dut_{name}({', '.join(ports)});")
    bench = BENCH.format(
        inputs=total, outputs=results, cycles=len(stimuli), ports="\n  ".join(instances)
    )
    (folder / "bench.v").write_text(bench)
    (folder / "stimuli.hex").write_text("\n".join(f"{value:x}" for value in stimuli))
    sources = ["bench.v", "portable.v", "cells.v", *map(str, models)]
    compile_it = ["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", *sources]
    subprocess.run(compile_it, cwd=folder, check=True, timeout=60)
    simulate = ["vvp", "-n", "bench.vvp"]
    output = subprocess.run(
        simulate, cwd=folder, check=True, timeout=60, capture_output=True, text=True
    ).stdout
    return [tuple(line.split()) for line in output.splitlines() if re.match(r"[0-9a-fx]+ ", line)]


class TestMultiplier:
    @pytest.mark.parametrize("images", [1, 2])
    def test_equals_the_portable_form_on_every_pair(self, tmp_path, images):
        """All 65,536 pairs of operands, in a random order, a new one each cycle.

        The activation of a second image is the first one's, xor 85: all pairs again.
        """
        print("seed 1")
        pairs = [(weight, value) for weight in range(-128, 128) for value in range(256)]
        random.Random(1).shuffle(pairs)
        others = [value ^ 85 for _, value in pairs] if images == 2 else [0] * len(pairs)
        stimuli = [
            (weight & 0xFF) | value << 8 | other << 16
            for (weight, value), other in zip(pairs, others, strict=True)
        ] + [0]
        got = run_both(
            tmp_path,
            mac.Multiplier(images=images),
            ice40.Multiplier(images=images),
            stimuli,
            [("weight", 8), ("activations", 8 * images)],
            [("products", 16 * images)],
        )
        assert len(got) == 65537
        assert ice40.Multiplier.latency == mac.Multiplier.latency == 2
        # Shown after the edge: an operand of cycle c is in the product after edge c + 1.
        for (weight, value), other, (portable, cells) in zip(pairs, others, got[1:], strict=True):
            second = (weight * other & 0xFFFF) << 16 if images == 2 else 0
            assert int(cells, 16) == weight * value & 0xFFFF | second
            assert cells == portable

    def test_has_no_third_multiplier(self):
        with pytest.raises(ValueError, match="images must be 1 or 2, one a multiplier, not 4"):
            ice40.Multiplier(images=4)


class TestWeightMemory:
    @pytest.mark.parametrize(("lanes", "depth"), [(2, 16384), (8, 16384), (8, 256), (4, 2)])
    @pytest.mark.parametrize("seed", [1, 2])
    def test_equals_the_portable_form(self, tmp_path, lanes, depth, seed):
        print("seed", seed)
        rng = random.Random(seed)
        places = sorted({0, 1, depth // 2, depth - 2, depth - 1})
        every = (1 << lanes) - 1
        cycles = [
            (place, 1, 1, 1 << lane, rng.randrange(256))
            for place in places
            for lane in range(lanes)
        ]
        for _ in range(3000):
            writing, write = rng.random() < 0.3, rng.choice([0, rng.randrange(every + 1)])
            access = rng.choice(places), rng.random() < 0.7, writing, write, rng.randrange(256)
            cycles.append(access)
        bits = (depth - 1).bit_length()
        stimuli = [
            place
            | enable << bits
            | writing << bits + 1
            | write << bits + 2
            | byte << bits + 2 + lanes
            for place, enable, writing, write, byte in cycles
        ]
        got = run_both(
            tmp_path,
            weights.WeightMemory(lanes=lanes, depth=depth),
            ice40.WeightMemory(lanes=lanes, depth=depth),
            stimuli,
            [
                *(("address", bits), ("enable", 1), ("writing", 1)),
                *(("write", lanes), ("write_data", 8)),
            ],
            [("data", 8 * lanes)],
        )
        assert len(got) == len(cycles)
        memory, expected, read, held = {}, None, 0, 0
        for access, (portable, cells) in zip(cycles, got, strict=True):
            place, enable, writing, write, byte = access
            if enable and writing:
                word = memory.setdefault(place, [0] * lanes)
                for lane in range(lanes):
                    word[lane] = byte if write >> lane & 1 else word[lane]
                expected = None  # undefined until the next read
            elif enable:
                expected = bytes(memory[place])[::-1].hex()
                read += 1
            elif expected is not None:
                held += 1
            if expected is not None:
                assert cells == expected
                assert portable == expected
        assert read > 500
        assert held > 200

    @pytest.mark.parametrize("lanes", [1, 3, 0, 2.0])
    def test_rejects_lanes(self, lanes):
        with pytest.raises(ValueError, match=rf"lanes must be even, .* not {lanes!r}"):
            ice40.WeightMemory(lanes=lanes, depth=16)

    @pytest.mark.parametrize("depth", [1, 16385, 32768, None])
    def test_rejects_depth(self, depth):
        with pytest.raises(ValueError, match=rf"depth must be 2 to 16384 words, not {depth!r}"):
            ice40.WeightMemory(lanes=8, depth=depth)


class TestPowerOnReset:
    def test_waits_for_lock_and_20_us(self):
        dut, released = clocking.PowerOnReset(clock_hz=1e6), []
        assert dut.cycles == 32  # the power of two above 20

        async def bench(ctx):
            async def count():
                cycles = 0
                while ctx.get(dut.reset):
                    await ctx.tick()
                    cycles += 1
                released.append(cycles)

            await ctx.tick().repeat(100)
            assert ctx.get(dut.reset)
            ctx.set(dut.lock, 1)
            await ctx.tick().repeat(20)
            ctx.set(dut.lock, 0)  # lost again: from the start
            await ctx.tick().repeat(5)
            ctx.set(dut.lock, 1)
            await count()
            await ctx.tick().repeat(200)
            assert not ctx.get(dut.reset)
            ctx.set(dut.lock, 0)
            await ctx.tick().repeat(3)
            assert ctx.get(dut.reset)

        simulator = Simulator(dut)
        simulator.add_clock(Fraction(1, 1_000_000))
        simulator.add_testbench(bench)
        simulator.run()
        assert released == [34]  # two synchronizer flip-flops and 32 cycles

    @pytest.mark.parametrize("clock_hz", [16e6, 48e6, 50e6, 275e6])
    def test_covers_the_block_ram_start_up(self, clock_hz):
        assert clocking.PowerOnReset(clock_hz=clock_hz).cycles / clock_hz >= 15e-6


class TestPll:
    @pytest.mark.parametrize("mhz", [17, 24, 25.175, 30, 48, 50, 54, 60, 66.6, 100, 270])
    def test_equals_icepll(self, mhz):
        """The same frequency as IceStorm's calculator, which is an independent oracle."""
        found = pll.settings(input_hz=12e6, output_hz=mhz * 1e6)
        text = subprocess.run(
            [find("yowasp-icepll"), "-i", "12", "-o", str(mhz)],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        achieved = float(re.search(r"([\d.]+) MHz \(achieved\)", text).group(1))
        assert found.output_hz / 1e6 == pytest.approx(achieved, abs=1e-3)

        def register(name):
            return int(re.search(rf"{name}:\s+(\d+)", text).group(1))

        assert found.filter_range == register("FILTER_RANGE")
        assert found.divr == register("DIVR")

    def test_48_mhz(self):
        found = pll.settings(input_hz=12e6, output_hz=48e6)
        assert (found.divr, found.divf, found.divq, found.filter_range) == (0, 63, 4, 1)
        assert (found.detector_hz, found.vco_hz, found.output_hz) == (12e6, 768e6, 48e6)

    @pytest.mark.parametrize("mhz", range(16, 276, 7))
    def test_limits_hold(self, mhz):
        for input_mhz in (10, 12, 25, 100, 133):
            found = pll.settings(input_hz=input_mhz * 1e6, output_hz=mhz * 1e6)
            assert 10e6 <= found.detector_hz <= 133e6
            assert 533e6 <= found.vco_hz <= 1066e6
            assert 16e6 <= found.output_hz <= 275e6
            assert 0 <= found.divr <= 15
            assert 0 <= found.divf <= 127
            assert 1 <= found.divq <= 6

    @pytest.mark.parametrize(
        ("input_hz", "output_hz", "message"),
        [
            (9e6, 48e6, r"the PLL's input must be 10 to 133 MHz, not 9 MHz"),
            (12e6, 15.9e6, r"clock must be 16 to 275 MHz, not 15.9 MHz"),
            (12e6, 276e6, r"clock must be 16 to 275 MHz, not 276 MHz"),
            (19e6, 275e6, r"clock must be near 266 MHz, .* can make of 19 MHz, not 275 MHz"),
        ],
    )
    def test_rejects(self, input_hz, output_hz, message):
        with pytest.raises(InputError, match=message):
            pll.settings(input_hz=input_hz, output_hz=output_hz)


class TestExpectedCells:
    @pytest.mark.parametrize("name", ["icebreaker", "icebreaker-1"])
    def test_icebreaker(self, name):
        assert ice40.expected_cells(CONFIGS[name]) == {"dsp": 8, "ebr": 29, "spram": 4}

    @pytest.mark.parametrize(
        ("words", "bits", "count"),
        [(256, 16, 1), (257, 16, 2), (512, 64, 8), (2048, 32, 16), (2048, 2, 1), (16, 3, 1)],
    )
    def test_block_rams(self, words, bits, count):
        assert block_rams(words, bits, ice40.BLOCK_RAM_SHAPES) == count
