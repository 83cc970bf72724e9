# amaranth: UnusedElaboratable=no
"""The host port and an engine behind it, against the device in software: the same bytes."""

import numpy as np
import pytest

from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.device import sizes
from sobolpath.golden.protocol.frames import Opcode, Status
from sobolpath.golden.protocol.identity import Identity
from tests.support.loaded import ENGINES, small
from tests.support.port_bench import BREAK, CLOCK, DIVISOR, PAUSE, Cut, PortBench

pytestmark = pytest.mark.timeout(200)
NAMES = list(ENGINES)


def bench(name, seed=0):
    return PortBench(ENGINES[name], seed=seed)


def statuses(replies):
    """Of replies that have no payload."""
    return [frames.parse_reply(reply).status for reply in replies]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [0, 1])
class TestGood:
    def test_identify(self, name, seed):
        found = bench(name, seed).run([frames.identify(7)] * 2)
        assert found.replies == found.expected
        identity = Identity.parse(frames.parse_reply(found.replies[1]).payload)
        assert identity == found.twin.identity
        assert (identity.clock_hz, identity.divisor) == (CLOCK, DIVISOR)
        assert identity.overlap is (name == "row-lane")
        assert (identity.network, identity.infer_bytes, identity.digest) == (False, 0, 0)

    def test_loads_and_infers(self, name, seed):
        """One frame after the other, and then three INFERs without waiting."""
        _, net, images, wanted = small(name)
        infers = [frames.infer(images, tag) for tag in (250, 0, 5)]
        script = [*net.frames(), frames.identify(9), infers[0], b"".join(infers)]
        found = bench(name, seed).run([*script, BREAK, frames.identify(1), infers[1]])
        assert found.replies == found.expected
        logits = wanted.astype("<i4").tobytes()
        assert found.replies[-1] == frames.reply(0, logits)
        assert found.replies[len(script) - 1] == b"".join(
            frames.reply(tag, logits) for tag in (250, 0, 5)
        )
        identity = Identity.parse(frames.parse_reply(found.replies[-2]).payload)
        assert (identity.network, identity.digest) == (True, net.digest)
        assert identity.infer_bytes == net.infer_bytes


@pytest.mark.parametrize("name", NAMES)
class TestRefused:
    def test_every_status(self, name):
        """Of commands that come alone; the network is loaded again where it was touched."""
        _, net, images, _ = small(name)
        good, infer, size = net.frames(), frames.infer(images, 3), len(net.frames()[0])
        room = sizes(small(name)[0])

        def flipped(frame, place):
            return frame[:place] + bytes([frame[place] ^ 0x40]) + frame[place + 1 :]

        def command(opcode, *lengths):
            return [
                frames.command(opcode, tag=length % 256, data=bytes(length)) for length in lengths
            ]

        unknown = [0, 5, 8, 0x13, 0x14, 0x18, 0x20, 0x44, 0x82]
        kept = {  # whether a network is there or not is as before
            Status.HEADER: [flipped(infer, place) for place in (0, 1, 6, 7, 10)],
            Status.COMMAND: [
                *(frames.command(opcode, tag=4) for opcode in unknown),
                *command(Opcode.IDENTIFY, 1, 256),
                *command(Opcode.LOAD, 0, 3, 4, 258),
                *command(Opcode.CHECK, 0, 2, 6),
                *command(Opcode.WRITE, 0),
            ],
            Status.ADDRESS: [
                frames.write(Space.WEIGHTS, room[Space.WEIGHTS], b"a", 1),
                frames.write(Space.WEIGHTS, 0xFFFF00, b"abcdef", 3),
                frames.write(Space.BIASES, 0x10000, b"abcdef", 3),
            ],
            Status.NETWORK: [frames.infer(images[:, :8], 8), *command(Opcode.INFER, 0)],
            Status.SILENCE: [infer[:count] for count in (1, 10, 11, 12, len(infer) - 1)],
            Status.DATA: [flipped(infer, 11), flipped(infer, -2)],
        }
        lost = {
            Status.DATA: [flipped(good[1], size - 6), flipped(good[-1], 12), flipped(good[-1], -1)],
            Status.ADDRESS: [frames.write(Space.PROGRAM, room[Space.PROGRAM] - 3, b"abcdef", 2)],
            Status.NETWORK: [frames.check(net.digest ^ 0x80000000, 9)],
            Status.SILENCE: [good[0][:12], good[1][:20], good[-1][:13], good[-1][:-1]],
        }
        script, wanted = [*good], []
        for cases, again in ((kept, [infer]), (lost, [infer, PAUSE, *good[-1:]])):
            for status, some in cases.items():
                wanted += [status] * len(some)
                pauses = [PAUSE] * (1 + (status == Status.SILENCE))
                script += [item for frame in some for item in (frame, *pauses)] + again
            script += [BREAK, *good]
        found = bench(name).run([*script, infer])
        assert found.replies == found.expected
        refused = [reply for reply in found.replies if reply and reply[0] != Status.OK]
        assert set(statuses(refused)) == set(kept)
        assert len(refused) >= len(wanted)
        assert found.replies[-1][0] == Status.OK

    def test_dropped_until_silence_or_break(self, name):
        _, net, images, _ = small(name)
        infer, bad = frames.infer(images, 3), frames.command(0x77, tag=1)
        script = [*net.frames(), bad + infer, infer, PAUSE, infer, bad, infer, BREAK, infer]
        found, whole = bench(name, 3).run(script), 6 + net.reply_bytes
        assert found.replies == found.expected
        assert [len(reply) for reply in found.replies[-8:]] == [6, 0, 0, whole, 6, 0, 0, whole]

    def test_an_answer_waits_for_those_before(self, name):
        """A bad INFER behind a good one: the good one's reply is whole, then the other."""
        _, net, images, wanted = small(name)
        infer = frames.infer(images, 3)
        bad = infer[:-1] + bytes([infer[-1] ^ 1])
        found = bench(name, 4).run([*net.frames(), infer + bad + infer, PAUSE, infer])
        good = frames.reply(3, wanted.astype("<i4").tobytes())
        assert found.replies[-3:] == [good + frames.reply(3, status=Status.DATA), b"", good]


@pytest.mark.parametrize("name", NAMES)
def test_before_any_network(name):
    _, net, images, _ = small(name)
    infer = frames.infer(images, 1)
    script = [infer, BREAK, net.frames()[0], infer, BREAK, frames.command(Opcode.INFER, tag=1)]
    script += [BREAK, frames.load(1, 2), frames.check(0xFFFFFFFF, 3), BREAK, *net.frames()[:-1]]
    script += [frames.identify(4), infer, BREAK, net.frames()[-1], infer]
    found = bench(name).run(script)
    assert found.replies == found.expected
    assert len(found.replies[-1]) == 6 + net.reply_bytes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [1, 2])
def test_random_faults(name, seed):
    """Bits flipped, bytes lost and doubled, breaks and silences anywhere: the twin's replies."""
    _, net, images, wanted = small(name)
    found = bench(name, seed)
    rng, script = found.rng, []
    commands = [*net.frames(), frames.infer(images, 40), frames.identify(41)]
    for _ in range(40):
        frame = bytearray(rng.choice(commands))
        place = rng.randrange(len(frame))
        kind = rng.randrange(5)
        if kind == 0:
            frame[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del frame[place]
        elif kind == 2:
            frame.insert(place, frame[place])
        elif kind == 3:
            del frame[place:]
        script += [bytes(frame), *rng.choice(([BREAK], [PAUSE, PAUSE], []))]
        if rng.random() < 0.3:
            script += [BREAK, frames.identify(3), *net.frames(), commands[-2]]
    script += [BREAK, *net.frames(), commands[-2]]
    found.run(script)
    assert found.replies == found.expected
    assert found.replies[-1] == frames.reply(40, wanted.astype("<i4").tobytes())


@pytest.mark.parametrize("after", range(1, 300, 43))
def test_a_break_while_identity_is_sent(after):
    """What is loaded is half around then: it is brought back to its place."""
    _, net, images, wanted = small("row-lane")
    found = bench("row-lane")

    infer = frames.infer(images, 2)
    script = [*net.frames(), Cut(frames.identify(1), after), frames.identify(2), infer]
    found.run(script)
    assert found.replies[-2:] == found.expected[-2:]
    assert found.replies[-1] == frames.reply(2, wanted.astype("<i4").tobytes())
    assert np.frombuffer(found.replies[-2][22:26], "<u4") == net.digest
