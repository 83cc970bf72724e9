# amaranth: UnusedElaboratable=no
"""The host port and an engine that learns behind it, against the device in software."""

import numpy as np
import pytest

from sobolpath.golden.learn.program import unpack
from sobolpath.golden.learn.task import Task
from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import frames, network
from sobolpath.golden.protocol.device import sizes
from sobolpath.golden.protocol.frames import Opcode, Status
from sobolpath.golden.protocol.identity import Identity
from tests.support.learning import same_parameters
from tests.support.learnt import ENGINES, small, step, tasks
from tests.support.port_bench import BREAK, CLOCK, DIVISOR, PAUSE, Cut, PortBench

pytestmark = pytest.mark.timeout(300)
NAMES = list(ENGINES)
SILENCE = 1 << 12  # cycles, more than a step


def bench(name, seed=0):
    return PortBench(ENGINES[name], seed=seed, silence=SILENCE)


def reading(name):
    """The READs of all that a network has."""
    identity, parameters, *_ = small(name)
    parts = network.used(parameters.topology, identity)
    return [frames.read(space, *part, 9) for space, own in parts.items() for part in own]


def held(name, replies):
    """The parameters that the replies to these tell."""
    identity, parameters, *_ = small(name)
    high, low, biases = (frames.parse_reply(reply).payload for reply in replies)
    return unpack(parameters.topology, identity.lanes, high + low, biases)


def digest(reply):
    return Identity.parse(frames.parse_reply(reply).payload).digest


@pytest.mark.parametrize("name", NAMES)
class TestGood:
    @pytest.mark.parametrize("seed", [0, 1])
    def test_steps(self, name, seed):
        """One after the other, and what they leave."""
        _, parameters, net, images = small(name)
        script, wanted = [*net.frames(), frames.identify(1), *reading(name)], []
        for number, task in enumerate(tasks(len(images))):
            script.append(frames.infer(images[number], number, task=task))
            parameters, logits = step(parameters, images[number], task)
            wanted.append(frames.reply(number, logits.astype("<i4").tobytes()))
        script += [frames.identify(2), *reading(name)]
        found = bench(name, seed).run(script)
        assert found.replies == found.expected
        assert found.replies[-4 - len(wanted) : -4] == wanted
        assert same_parameters(held(name, found.replies[-3:]), parameters) == 56
        identity = Identity.parse(frames.parse_reply(found.replies[-4]).payload)
        assert identity == found.twin.identity
        assert (identity.learns, identity.overlap, identity.network) == (True, False, True)
        assert (identity.clock_hz, identity.divisor) == (CLOCK, DIVISOR)
        assert identity.digest == frames.learnt(net.digest, 6)

    def test_reads_everywhere(self, name):
        """Of all lengths, beyond the end, before a network is there and after it was lost."""
        identity, _, net, images = small(name)
        script = [frames.read(Space.WEIGHTS, 0, 1, 2), *net.frames()]
        for space in frames.READABLE:
            for address, length in ((0, 1), (1, 2), (77, 300), (sizes(identity)[space] - 5, 9)):
                script.append(frames.read(space, address, length, length % 256))
        script += [frames.infer(images[0], 5), net.frames()[0], frames.read(Space.BIASES, 4, 8, 1)]
        found = bench(name, 2).run([*script, frames.identify(4)])
        assert found.replies == found.expected
        assert all(frames.parse_reply(reply).status == Status.OK for reply in found.replies)


@pytest.mark.parametrize("name", NAMES)
class TestRefused:
    def test_what_is_read(self, name):
        identity, _, net, images = small(name)
        room, infer = sizes(identity), frames.infer(images[1], 3)
        read = frames.read(Space.BIASES, 8, 4, 1)
        refused = [
            (Status.ADDRESS, frames.read(Space.WEIGHTS, room[Space.WEIGHTS], 4, 1)),
            (Status.ADDRESS, frames.read(Space.BIASES, room[Space.BIASES] + 64, 4, 1)),
            (Status.COMMAND, frames.command(Opcode.READ, tag=2)),
            (Status.COMMAND, frames.command(Opcode.READ + 2, tag=2, data=b"abc")[:11]),
            (Status.COMMAND, frames.command(Opcode.READ + 3, tag=2, data=b"abc")[:11]),
            (Status.COMMAND, frames.command(0x30, tag=2, data=b"abc")[:11]),
            (Status.HEADER, read[:-1] + bytes([read[-1] ^ 1])),
            (Status.SILENCE, read[:-1]),
        ]
        script = [*net.frames()]
        for _, frame in refused:
            script += [frame, PAUSE, PAUSE, infer]
        found = bench(name).run(script)
        assert found.replies == found.expected
        statuses = [reply[0] for reply in found.replies if reply and reply[0]]
        assert statuses == [status for status, _ in refused]

    def test_images_that_are_damaged_are_not_learnt(self, name):
        """Whatever of the command is wrong or missing; then the same one, whole."""
        _, parameters, net, images = small(name)
        task = Task(label=2, rate=1)
        infer = frames.infer(images[0], 3, task=task)
        script = [*net.frames()]
        for place in (3, 12, 18, 22):
            script += [infer[:place] + bytes([infer[place] ^ 4]) + infer[place + 1 :], BREAK]
        for place in (5, 14, 18, 19, 22):
            script += [infer[:place], PAUSE, PAUSE, infer[:place], BREAK]
        found = bench(name).run(
            [*script, frames.identify(1), *reading(name), infer, *reading(name)]
        )
        assert found.replies == found.expected
        assert digest(found.replies[-8]) == net.digest
        assert same_parameters(held(name, found.replies[-7:-4]), parameters)
        after, _ = step(parameters, images[0], task)
        assert same_parameters(held(name, found.replies[-3:]), after)


@pytest.mark.parametrize("name", NAMES)
def test_a_break_leaves_a_whole_step_or_none(name):
    """At any time of a step; the digest says which."""
    _, parameters, net, images = small(name)
    seen, now = [], net.digest
    script, times = [*net.frames()], range(1, 420, 41)
    works = [(images[time % 8], Task(label=time % 8, rate=1)) for time in times]
    for time, (image, task) in zip(times, works, strict=True):
        script += [Cut(frames.infer(image, 3, task=task), time), frames.identify(1), *reading(name)]
    found = bench(name).run([*script, frames.infer(images[0], 4)])
    replies = found.replies[len(net.frames()) :]
    for number, work in enumerate(works):
        _, identified, *read = replies[5 * number : 5 * number + 5]
        learnt = digest(identified) != now
        now = frames.learnt(now, int(learnt))
        assert digest(identified) == now
        parameters = step(parameters, *work)[0] if learnt else parameters
        assert same_parameters(held(name, read), parameters)
        seen.append(learnt)
    assert seen == sorted(seen)
    assert 0 < sum(seen) < len(seen)
    logits = step(parameters, images[0], None)[1].astype("<i4").tobytes()
    assert replies[-1] == frames.reply(4, logits)


def test_a_break_while_weights_are_read():
    _, _, net, images = small("one-port")
    read, infer = frames.read(Space.WEIGHTS, 0, 60, 1), frames.infer(images[3], 2)
    script = [*net.frames()]
    for after in range(1, 900, 97):
        script += [Cut(read, after), read, infer, frames.identify(4)]
    found = bench("one-port").run(script)
    assert found.replies == found.expected


@pytest.mark.parametrize("name", NAMES)
def test_random_faults(name):
    """Bits flipped, bytes lost and doubled, breaks and silences anywhere: the twin's replies."""
    _, _, net, images = small(name)
    found = bench(name, 5)
    rng, script, task = found.rng, [*net.frames()], Task(label=1, rate=2)
    commands = [frames.infer(images[0], 40, task=task), frames.identify(41), *reading(name)]
    for _ in range(12):
        frame = bytearray(rng.choice(commands))
        place = rng.randrange(len(frame))
        kind = rng.randrange(4)
        if kind == 0:
            frame[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del frame[place]
        elif kind == 2:
            del frame[place:]
        script += [bytes(frame), *rng.choice(([BREAK], [PAUSE, PAUSE]))]
        script += [*commands[:2], *reading(name)]
    found.run(script)
    assert found.replies == found.expected
    assert np.frombuffer(found.replies[-4][22:26], "<u4") != net.digest
    assert same_parameters(held(name, found.replies[-3:]), held(name, found.expected[-3:]))
