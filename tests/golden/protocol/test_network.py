"""What is sent for a model: the whole image, once, and refused where it does not fit."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.fitting import blank
from sobolpath.golden.protocol import frames, network
from sobolpath.golden.protocol.device import sizes
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engines import boards
from sobolpath.hw.memories import spaces
from sobolpath.hw.path_order.config import CONFIGS as PATH_ORDER
from tests.support.networks import random_model

TINY = Identity.of(CONFIGS["tiny"])
PAPER = Identity.of(PATH_ORDER["tiny"])


@pytest.mark.parametrize("name", ["icebreaker", "icebreaker-paper"])
def test_records_are_the_image(name):
    config, model = boards()[name], models.load("mnist-12k")
    net, memory = network.pack(model, Identity.of(config)), {}
    for space, address, content in net.records:
        assert 1 <= len(content) <= network.RECORD_BYTES
        assert address == len(memory.setdefault(space, b""))
        memory[space] += content
    assert memory == {space: content for space, content in config.image(model).spaces() if content}
    assert (net.inputs, net.outputs, net.images) == (1024, 16, config.images)
    assert net.infer_bytes == 1024 * config.images
    assert net.reply_bytes == 64 * config.images


def test_frames_and_digest():
    model = random_model(np.random.default_rng(1), Topology((16, 16), (64,)))
    net = network.pack(model, TINY)
    first, *writes, last = net.frames(tag=254)
    assert first == frames.load(16, 254)
    assert [write[1] for write in writes] == [255, 0, 1]
    tags = iter((255, 0, 1))
    records = [frames.write(*record, next(tags)) for record in net.records]
    assert writes == records
    content = b"\x10\x00" + b"".join(data for _, _, data in net.records)
    assert net.digest == zlib.crc32(content)
    assert last == frames.check(net.digest, 2)


@pytest.mark.parametrize("name", boards())
def test_what_fits_a_configuration_fits_its_identity(name):
    """And what does not, does not: every model that ships."""
    config, compared = boards()[name], 0
    for path in ("digits", "mnist-12k", "mnist-37k"):
        model, errors = models.load(path), []
        for pack in (config.image, lambda own: network.pack(own, Identity.of(config))):
            try:
                pack(model)
                errors.append(None)
            except InputError as error:
                errors.append(str(error).replace("this engine", "this device"))
        assert errors[0] == errors[1]
        compared += 1
    assert compared == 3


@pytest.mark.parametrize(
    ("identity", "layers", "paths", "message"),
    [
        (TINY, (128, 16), (128,), "neurons of the widest layer must be at most 64, not 128"),
        (TINY, (32, 32), (64,), "neurons of the last layer must be at most 16, not 32"),
        (TINY, (64, 64, 16), (1024, 64), "paths of all junctions must be at most 1024, not 1088"),
        (
            TINY,
            (64, 64, 64, 16),
            (64, 64, 64),
            "neurons of the layers after the first must be at most 128, not 144",
        ),
        (
            replace(TINY, program_words=16),
            (16, 16),
            (16,),
            "words of the program must be at most 16, not 25",
        ),
        (
            replace(TINY, images=1024),
            (64, 16),
            (64,),
            "bytes of one INFER must be at most 65535, not 65536",
        ),
        (PAPER, (128, 16), (128,), "neurons of the widest layer must be at most 64, not 128"),
        (
            replace(PAPER, bias_neurons=32),
            (64, 16),
            (64,),
            "paths of the longest junction must be at most 32, not 64",
        ),
        (
            PAPER,
            (64, 64),
            (1024,),
            "bytes of weights and biases must be at most 1024, not 1280",
        ),
        (
            replace(PAPER, program_words=16),
            (16, 16),
            (16,),
            "words of the program must be at most 16, not 17",
        ),
    ],
)
def test_too_big(identity, layers, paths, message):
    model = blank(Topology(layers, paths, tuple(range(len(layers)))))
    with pytest.raises(InputError, match=f"^too big for this device: the {message}$"):
        network.pack(model, identity)


def test_sizes_are_the_engine_s():
    for name, config in boards().items():
        found = sizes(Identity.of(config))
        wanted = {space: size.bytes for space, size in spaces(config).items()}
        assert {space: size for space, size in found.items() if size} == wanted, name


class TestOverlap:
    """Whether the next inputs may come while the engine runs."""

    @pytest.mark.parametrize(
        ("name", "divisor", "overlap"),
        [("digits", 48, True), ("digits", 8, False), ("mnist-37k", 8, True), ("digits", 0, True)],
    )
    def test_of_models_that_ship(self, name, divisor, overlap):
        identity = Identity.of(CONFIGS["icebreaker"], overlap=True, divisor=divisor)
        assert network.pack(models.load(name), identity).overlap is overlap

    def test_a_device_that_cannot(self):
        identity = Identity.of(CONFIGS["icebreaker"])
        assert not network.pack(models.load("digits"), identity).overlap
