"""The device in software that learns: steps, what they leave, and what is read back of it."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.learn.program import unpack
from sobolpath.golden.learn.task import Task
from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import frames, network
from sobolpath.golden.protocol.device import Device, sizes
from sobolpath.golden.protocol.frames import Opcode, Status
from sobolpath.golden.protocol.identity import Identity
from tests.support import loaded
from tests.support.learning import same_parameters
from tests.support.learnt import ENGINES, FRACTIONS, small, step, tasks
from tests.support.loaded import asked, bad, status
from tests.support.networks import random_model


@pytest.fixture(params=ENGINES)
def name(request):
    return request.param


def device_of(name):
    identity, parameters, net, images = small(name)
    device = Device(identity)
    for number, frame in enumerate(net.frames()):
        assert device.take(frame) == frames.reply(number)
    return device, parameters, net, images


def taken(device, image, task):
    answer = frames.parse_reply(device.take(frames.infer(image, 7, task=task)))
    assert (answer.status, answer.tag) == (Status.OK, 7)
    return frames.logits(answer.payload)


def held(device, topology):
    """The parameters that a device holds."""
    identity, found = asked(device), {}
    for space, parts in network.used(topology, identity).items():
        answers = [device.take(frames.read(space, *part, 5)) for part in parts]
        found[space] = b"".join(frames.parse_reply(answer).payload for answer in answers)
    return unpack(topology, identity.lanes, found[Space.WEIGHTS], found[Space.BIASES])


class TestSteps:
    def test_are_those_of_the_paths(self, name):
        device, parameters, net, images = device_of(name)
        assert asked(device).digest == net.digest
        compared = steps = 0
        for image, task in zip(images, tasks(len(images)), strict=True):
            after, wanted = step(parameters, image, task)
            assert np.array_equal(taken(device, image, task), wanted)
            compared += same_parameters(held(device, parameters.topology), after)
            parameters, steps = after, steps + (task is not None)
            assert asked(device).digest == frames.learnt(net.digest, steps)
            assert asked(device).network
        assert compared > 400
        assert steps == 6

    def test_of_a_damaged_image_none_is_made(self, name):
        device, parameters, net, images = device_of(name)
        frame = frames.infer(images[0], 4, task=Task(label=1))
        assert status(device.take(bad(frame, 15))) == Status.DATA
        device.line_break()
        assert device.take(frame[:-1]) == b""
        device.line_break()
        assert same_parameters(held(device, parameters.topology), parameters)
        assert asked(device).digest == net.digest

    def test_are_undone_by_loading_again(self, name):
        device, parameters, net, images = device_of(name)
        taken(device, images[0], Task(label=1, rate=0))
        assert asked(device).digest != net.digest
        device.take(b"".join(net.frames()))
        assert asked(device).digest == net.digest
        assert same_parameters(held(device, parameters.topology), parameters)


class TestRead:
    def test_wraps(self, name):
        device, *_ = device_of(name)
        for space in frames.READABLE:
            content = bytes(device.memories[space])
            found = frames.parse_reply(device.take(frames.read(space, len(content) - 3, 8, 1)))
            assert found.payload == content[-3:] + content[:5]

    def test_is_refused(self, name):
        device, parameters, _, images = device_of(name)
        room = sizes(asked(device))
        for frame, wanted in (
            (frames.read(Space.WEIGHTS, room[Space.WEIGHTS], 1, 2), Status.ADDRESS),
            (frames.read(Space.BIASES, room[Space.BIASES], 1, 2), Status.ADDRESS),
            (frames.command(Opcode.READ, tag=3), Status.COMMAND),
            (frames.command(Opcode.READ + 2, tag=3, data=b"a")[:11], Status.COMMAND),
        ):
            assert status(device.take(frame)) == wanted
            device.line_break()
        assert asked(device).network
        assert np.array_equal(taken(device, images[0], None), step(parameters, images[0], None)[1])

    def test_without_a_network(self, name):
        device = Device(small(name)[0])
        answer = frames.parse_reply(device.take(frames.read(Space.BIASES, 8, 4, 2)))
        assert (answer.status, answer.payload) == (Status.OK, bytes(4))

    @pytest.mark.parametrize("other", loaded.ENGINES)
    def test_of_a_device_that_does_not_learn(self, other):
        device = loaded.loaded(other)
        assert status(device.take(frames.read(Space.WEIGHTS, 0, 4, 2))) == Status.COMMAND

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ((Space.PROGRAM, 0, 4), "space must be one of .*, which can be read, not 2"),
            ((Space.WEIGHTS, 0, 0), "the bytes of a READ must be 1 to 65535, not 0"),
            (
                (Space.WEIGHTS, 2**24 - 1, 2),
                "the last address must be at most 16777215, not 167772",
            ),
            ((Space.WEIGHTS, 2**24, 2), "address must be 0 to 16777215, not 16777216"),
        ],
    )
    def test_the_function_rejects(self, values, message):
        with pytest.raises(InputError, match=message):
            frames.read(*values, 1)


def test_a_task_is_nothing_to_a_device_that_does_not_learn():
    device, images = loaded.loaded("row-lane"), loaded.small("row-lane")[2]
    answers = {device.take(frames.infer(images, 3, task=task)) for task in (None, Task(label=2))}
    assert len(answers) == 1


def test_the_identity():
    for name, config in ENGINES.items():
        identity = Identity.of(config)
        assert Identity.parse(identity.payload()) == identity
        assert identity.learns
        assert identity.two_ports is identity.leaving is (name == "two-ports")
        assert identity.machine == config.machine
    for other in loaded.ENGINES.values():
        assert not Identity.of(other).learns


def test_the_digest_is_a_crc_of_more_bits():
    """Eight steps take a byte of 0."""
    assert frames.learnt(zlib.crc32(b"anything"), 8) == zlib.crc32(b"anything\0")
    assert frames.learnt(5, 0) == 5


class TestPack:
    def test_a_model_by_its_floats(self):
        """Its inputs have another scale: the weights of the first junction make up for it."""
        identity, parameters, _, _ = small("one-port")
        model = random_model(np.random.default_rng(1), parameters.topology)
        floats = parameters.network(FRACTIONS)
        weights = (floats.weights[0] / 4, *floats.weights[1:])
        model = replace(model, float_weights=weights, input_scale=2.0**-6)
        model = replace(model, float_biases=tuple(floats.biases))
        assert same_parameters(Parameters.of_model(model, FRACTIONS), parameters)
        assert network.pack(model, identity) == small("one-port")[2]

    def test_what_does_not_fit(self):
        identity, parameters, *_ = small("one-port")
        for field, value, what in (
            ("max_outputs", 4, "the neurons of the last layer must be at most 4, not 8"),
            ("weight_words", 8, "the paths of all junctions must be at most 32, not 40"),
            ("bias_neurons", 8, "the neurons of the layers after the first must be at most 8, not"),
            ("program_words", 16, "the words of the program must be at most 16, not"),
        ):
            small_one = replace(identity, **{field: value})
            with pytest.raises(InputError, match=f"too big for this device: {what}"):
                network.pack_parameters(parameters, FRACTIONS, small_one)
