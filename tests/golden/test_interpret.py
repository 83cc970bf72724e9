"""What memories hold is what they infer: images taken apart, against the model that made them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sobolpath.golden.machine import engine, lanes
from sobolpath.golden.machine import interpret as row_lane
from sobolpath.golden.machine.image import Space, interleaved
from sobolpath.golden.path_order import interpret as path_order
from sobolpath.golden.protocol.device import sizes
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.nested import cut
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.path_order.config import CONFIGS as PATH_ORDER
from tests.support.networks import extreme_model, random_images, random_model, random_topology

TINY = CONFIGS["tiny"]
ROW_LANE = {
    "tiny": TINY,
    "two images": replace(TINY, images=2),
    "words of inputs": replace(TINY, input_width=4, images=4),
    "copies": replace(TINY, max_copies=4, lanes=8, weight_words=128),
    "one lane": replace(TINY, lanes=1, weight_words=512),
}


def memories(config, image):
    """The bytes of all memories: a network in front, and noise behind it."""
    filled = {}
    for space, content in image.spaces():
        size = sizes(Identity.of(config))[space]
        noise = np.random.default_rng(size).bytes(size)
        filled[space] = content + noise[len(content) :] if size else b""
    return [filled[space] for space in Space]


def logits(config, program, images):
    """What a program makes of all images: int32 (images, n_L)."""
    found = [program.infer(part.ravel()) for part in interleaved(images, config.images)]
    return np.concatenate(found).reshape(len(images), -1)


@pytest.mark.parametrize("name", ROW_LANE)
def test_row_lane_networks(name):
    config, rng, compared = ROW_LANE[name], np.random.default_rng(7), 0
    for junctions in (1, 2, 3) * 4:
        topology = random_topology(rng, config, junctions=junctions, paths=400)
        model = random_model(rng, topology)
        images = random_images(rng, topology, 2 * config.images)
        program = row_lane.interpret(config, *memories(config, config.image(model)))
        assert program is not None
        assert program.infer_bytes == config.images * topology.layers[0]
        assert np.array_equal(logits(config, program, images), engine.infer(model, images))
        compared += 1
    assert compared == 12


def path_order_topology(rng, config, junctions):
    """Layers and paths that the path-order engine takes."""
    layers = [1 << rng.integers(2, 6) for _ in range(junctions + 1)]
    paths = [max(pair) for pair in pairwise(layers)]
    return Topology(layers, [2 * count for count in paths], tuple(range(junctions + 1)))


def test_path_order_networks():
    config, rng = PATH_ORDER["tiny"], np.random.default_rng(7)
    for junctions in (1, 2, 3) * 4:
        topology = path_order_topology(rng, config, junctions)
        model = random_model(rng, topology)
        images = random_images(rng, topology, 2)
        for paths in (None, config.lanes):
            image = config.image(model, paths=paths)
            program = path_order.interpret(config, *memories(config, image))
            assert program is not None
            small = model if paths is None else cut(model, paths)
            assert np.array_equal(logits(config, program, images), engine.infer(small, images))


@pytest.mark.parametrize(("weight", "sign"), [(127, 1), (-128, -1)])
def test_the_largest_sums(weight, sign):
    topology = Topology((64, 32, 16), (512, 128))
    model = extreme_model(topology, weight, sign)
    images = np.full((1, 64), 255, np.uint8)
    for module, config in ((row_lane, TINY), (path_order, PATH_ORDER["tiny"])):
        program = module.interpret(config, *memories(config, config.image(model)))
        assert np.array_equal(program.infer(images[0])[None], engine.infer(model, images))


def test_a_damaged_weight_counts():
    """Every byte of a junction's weights: the logits are those of the model with that weight."""
    topology, rng = Topology((16, 16), (32,)), np.random.default_rng(3)
    model, image = random_model(rng, topology), random_images(rng, topology, 1)[0]
    order = lanes.path_order(topology, 1, TINY.lanes).ravel()
    weights, biases, program = memories(TINY, TINY.image(model))
    for byte in range(32):
        damaged = bytearray(weights)
        damaged[byte] ^= 0x80
        own = model.weights[0].copy()
        own[order[byte]] ^= -128
        found = row_lane.interpret(TINY, bytes(damaged), biases, program)
        wanted = engine.infer(replace(model, weights=(own,)), image[None])[0]
        assert np.array_equal(found.infer(image), wanted)


@pytest.mark.parametrize(
    ("module", "config"), [(row_lane, ROW_LANE["two images"]), (path_order, PATH_ORDER["tiny"])]
)
def test_any_program_comes_to_an_end(module, config):
    """Random words, and a good program of which any one word is random: no error, some hang."""
    rng, kinds = np.random.default_rng(1), []
    topology = Topology((16, 16, 16), (32, 32))
    good = memories(config, config.image(random_model(rng, topology)))
    words = np.frombuffer(good[2], "<u2")
    for number in range(1500):
        program = rng.integers(0, 2**16, len(words)).astype("<u2")
        if number >= 500:
            program, place = words.copy(), number % 40
            program[place] = rng.integers(0, 2**16) if number % 2 else words[place] ^ 1
        found = module.interpret(config, *good[:2], program.tobytes())
        kinds.append(found is not None)
        if found is not None:
            inputs = rng.integers(0, 256, found.infer_bytes).astype(np.uint8)
            assert found.infer(inputs).dtype == np.int32
    assert 100 < sum(kinds) < 1400


def test_a_program_that_runs_backwards_hangs():
    config = PATH_ORDER["tiny"]
    model = random_model(np.random.default_rng(2), Topology((16, 16), (32,)))
    weights, biases, program = memories(config, config.image(model))
    turned = bytearray(program)
    turned[5] |= 0x80  # the leading digit of the junction's first word
    assert path_order.interpret(config, weights, biases, program) is not None
    assert path_order.interpret(config, weights, biases, bytes(turned)) is None
