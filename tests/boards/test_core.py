# amaranth: UnusedElaboratable=no
"""A whole device over its serial line: compiled, and where a stop bit is bad, in Amaranth."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from amaranth.sim import Simulator

from sobolpath.boards import load
from sobolpath.boards.gateware.core import Core
from sobolpath.boards.gateware.host import identity
from sobolpath.golden.machine import engine
from sobolpath.golden.protocol import frames, network
from sobolpath.golden.protocol.frames import FEWEST_REPLY_BYTES, Status
from sobolpath.golden.protocol.identity import IDENTITY_BYTES, Identity
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engines import ENGINES, component
from sobolpath.sim.board.machine import Machine, Setup
from tests.support.networks import random_model
from tests.support.serial_line import send, send_break

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

BIT = 8  # cycles
TINY, PATH_ORDER = CONFIGS["tiny"], ENGINES["path-order"]["tiny"]
SMALL = Topology((16, 32, 8), (64, 64))


def model_of(seed, topology=SMALL):
    return random_model(np.random.default_rng(seed), topology)


def images_of(seed, count):
    return np.random.default_rng(seed).integers(0, 256, (count, 16), dtype=np.uint8)


class Compiled:
    """A core with a small engine in the compiled simulator, and the host at the end of its line.

    ``drift`` : per cent by which the host's bits are longer.
    """

    def __init__(self, config=TINY, drift=0.0):
        board = replace(load("icebreaker"), config=config, flash=None)
        setup = Setup(board=board, baud=board.clock_hz // BIT, drift=drift)
        self.identity = identity(config, clock_hz=setup.clock_hz, divisor=BIT)
        self.machine = Machine(setup)

    def __enter__(self):
        self.start_over()
        return self

    def __exit__(self, *exception):
        self.machine.__exit__(*exception)

    def received(self, most=2**32):
        """What the device sends until nothing goes on, or until there are so many bytes."""
        got = b""
        while len(got) < most and not self.machine.idle:
            got += self.machine.run(1_000_000)
        return got

    def transact(self, message, payload=0):
        """Send a command; the payload of its reply, whose tag and status are checked."""
        self.machine.send(message)
        got = self.received()
        assert len(got) == FEWEST_REPLY_BYTES + payload
        reply = frames.parse_reply(got)
        assert (reply.status, reply.tag) == (Status.OK, message[1])
        return reply.payload

    def identify(self):
        return Identity.parse(self.transact(frames.identify(77), IDENTITY_BYTES))

    def load(self, net):
        for message in net.frames():
            self.transact(message)

    def infer(self, net, images):
        return frames.logits(self.transact(frames.infer(images, 5), net.reply_bytes))

    def start_over(self):
        self.machine.line_break()
        self.received()


@pytest.mark.parametrize(
    "config", [TINY, replace(TINY, images=2), PATH_ORDER, replace(PATH_ORDER, input_width=4)]
)
def test_loads_runs_and_loads_another(config):
    """Two networks one after the other: logits equal the golden model's."""
    compared = []
    with Compiled(config) as device:
        assert device.identify() == device.identity
        for seed, topology in enumerate((SMALL, Topology((16, 8), (16,)))):
            model, images = model_of(seed, topology), images_of(seed, 4)
            net, expected = network.pack(model, device.identity), engine.infer(model, images)
            assert len(np.unique(expected, axis=0)) == 4
            device.load(net)
            assert device.machine.ready
            for first in range(0, 4, config.images):
                some = slice(first, first + config.images)
                got = device.infer(net, images[some])
                assert got.tolist() == expected[some].ravel().tolist()
                compared.append(got)
    assert np.concatenate(compared).shape == (2 * 4 * 8,)


@pytest.mark.parametrize("percent", [-2.5, 0, 2.5])
def test_inferences_one_after_the_other(percent):
    """At the fastest rate, with a drift: two are on their way, the next one follows a reply."""
    count, model, got = 25, model_of(3), b""
    images = images_of(3, count)
    with Compiled(drift=percent) as device:
        net = network.pack(model, device.identity)
        device.load(net)
        size = FEWEST_REPLY_BYTES + net.reply_bytes
        device.machine.send(frames.infer(images[:1], 0))
        for tag in range(1, count + 1):
            if tag < count:
                device.machine.send(frames.infer(images[tag : tag + 1], tag))
            while len(got) < size * tag:
                assert not device.machine.idle
                got += device.machine.run(BIT)
        assert device.received() == b""
        assert (device.machine.error, device.machine.framing) == (0, 0)
    replies = [frames.parse_reply(got[tag * size : (tag + 1) * size]) for tag in range(count)]
    assert [(reply.status, reply.tag) for reply in replies] == [
        (Status.OK, n) for n in range(count)
    ]
    logits = [frames.logits(reply.payload).tolist() for reply in replies]
    assert logits == engine.infer(model, images).tolist()


@pytest.mark.parametrize("seed", range(2))
def test_breaks_at_any_moment(seed):
    """Of a load, of inferences, of replies: the digest tells what is there."""
    print("seed", seed)
    rng, model, seen = np.random.default_rng(seed), model_of(3), []
    image = np.arange(0, 256, 16, dtype=np.uint8)
    expected = engine.infer(model, image[None])[0].tolist()
    with Compiled() as device:
        net = network.pack(model, device.identity)
        script = [*net.frames()[:2], frames.identify(1), frames.infer(image, 2), net.frames()[-1]]
        device.load(net)
        for _ in range(40):
            message = script[rng.integers(len(script))]
            device.machine.send(message[: rng.integers(1, len(message) + 1)])
            while device.machine.queued:
                device.machine.run(1)
            end = device.machine.cycles + int(rng.integers(1, 60 * BIT))
            while device.machine.cycles < end and not device.machine.idle:
                device.machine.run(end - device.machine.cycles)
            device.start_over()
            found = device.identify()
            seen.append(found.network)
            assert not found.network or found.digest == net.digest
            if not found.network:
                device.load(net)
                assert device.identify().digest == net.digest
            assert device.infer(net, image).tolist() == expected
    assert len(seen) == 40
    assert 0 < sum(seen) < 40


def test_random_bytes():
    """Any bytes at all, and then a break: it answers."""
    rng = np.random.default_rng(1)
    with Compiled() as device:
        for _ in range(50):
            device.machine.send(rng.integers(0, 256, 60, dtype=np.uint8).tobytes())
            device.received()
            device.start_over()
            assert device.identify() == device.identity


class Simulated:
    """The same in Amaranth's simulator, where the line may have any level at any time."""

    SILENCE = 1 << 11  # cycles

    def __init__(self):
        sizes = {"divisor": BIT, "clock_hz": 12_000_000, "silence": self.SILENCE}
        self.core, self.got = Core(engine=component(TINY), **sizes), bytearray()
        self.identity = identity(TINY, clock_hz=12_000_000, divisor=BIT)

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
        await send(ctx, self.core.rx, content, BIT, **more)

    async def reply(self, ctx, payload):
        """The next reply with as long a payload."""
        size = FEWEST_REPLY_BYTES + payload
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

    async def start_over(self, ctx):
        await send_break(ctx, self.core.rx, BIT)
        await ctx.tick().repeat(12 * BIT)
        self.got.clear()


def test_finds_its_place_again():
    """Breaks, overruns, bad stop bits, half a command: the network survives them all."""
    device, model = Simulated(), model_of(3, Topology((16, 8), (16,)))
    net = network.pack(model, device.identity)
    image = np.arange(0, 256, 16, dtype=np.uint8)
    expected = engine.infer(model, image[None])[0].tolist()
    infer, core, flags = frames.infer(image, 9), device.core, []

    async def session(ctx):
        async def recover(over=device.start_over):
            await over(ctx)
            payload = await device.transact(ctx, frames.identify(77), IDENTITY_BYTES)
            found = Identity.parse(payload)
            flags.append((found.framing_error, found.overrun))
            assert (found.network, found.digest) == (True, net.digest)
            payload = await device.transact(ctx, frames.infer(image, 5), net.reply_bytes)
            assert frames.logits(payload).tolist() == expected

        async def silence(ctx):
            await ctx.tick().repeat(device.SILENCE + 2)

        ctx.set(core.rx, 1)
        await ctx.tick().repeat(4 * BIT)
        await device.start_over(ctx)
        for message in net.frames():
            await device.transact(ctx, message)
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
