"""The engine's parameters: checks, derived sizes, and which models fit."""

import dataclasses
import random

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import image
from sobolpath.golden.machine.image import Kind, Space
from sobolpath.golden.machine.schedule import Machine, plan
from sobolpath.golden.topology.paths import MAX_LOG2_NEURONS, Topology
from sobolpath.hw.config import CONFIGS, HEADER, EngineConfig
from tests.support.networks import random_model, random_topology

SMALL = {
    "lanes": 4,
    "max_neurons": 32,
    "weight_words": 64,
    "bias_neurons": 64,
    "max_outputs": 16,
    "program_words": 64,
}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lanes": 3}, "lanes must be a power of two from 1 to 1024, not 3"),
        ({"lanes": 0}, "lanes must be a power of two from 1 to 1024, not 0"),
        ({"lanes": 2048}, "lanes must be a power of two from 1 to 1024, not 2048"),
        ({"lanes": 4.0}, r"lanes must be a power of two from 1 to 1024, not 4\.0"),
        ({"lanes": "4"}, "lanes must be a power of two from 1 to 1024, not '4'"),
        ({"lanes": True}, "lanes must be a power of two from 1 to 1024, not True"),
        ({"max_neurons": 1}, "max_neurons must be a power of two from 2 to 32768, not 1"),
        ({"max_neurons": 65536}, "max_neurons must be a power of two from 2 to 32768, not 65536"),
        ({"weight_words": 1}, "weight_words must be .* an odd number up to 15, from 2 .*, not 1"),
        ({"weight_words": 2**17}, "weight_words must be .* from 2 to 65536, not 131072"),
        ({"weight_words": 17 * 64}, "weight_words must be .* up to 15, .*, not 1088"),
        ({"weight_words": 64.0}, r"weight_words must be a power of two, or .*, not 64\.0"),
        ({"bias_neurons": 96}, "bias_neurons must be a power of two from 2 to 65536, not 96"),
        ({"bias_neurons": 2**17}, "bias_neurons must be .* from 2 to 65536, not 131072"),
        ({"max_outputs": 64}, "max_outputs must be a power of two from 2 to 32, not 64"),
        ({"program_words": 8}, "program_words must be a power of two from 16 to 65536, not 8"),
        ({"requantizers": 8}, "requantizers must be a power of two from 1 to 4, not 8"),
        ({"requantizers": 3}, "requantizers must be a power of two from 1 to 4, not 3"),
        ({"max_neurons": 4, "max_outputs": 4}, "max_neurons must be at least twice the lanes, not"),
        ({"bias_neurons": 4}, "bias_neurons must be at least twice the lanes, not 4"),
        ({"max_outputs": 4}, "max_outputs must be at least twice the lanes, not 4"),
        ({"images": 3}, "images must be a power of two from 1 to 16, not 3"),
        ({"images": 0}, "images must be a power of two from 1 to 16, not 0"),
        ({"images": 32}, "images must be a power of two from 1 to 16, not 32"),
        ({"images": True}, "images must be a power of two from 1 to 16, not True"),
        ({"images": 2, "requantizers": 16}, "requantizers must be .* from 1 to 8, not 16"),
        (
            {"images": 4, "max_neurons": 32768, "max_outputs": 32768},
            "max_outputs must be at most 16384 for 4 images, not 32768",
        ),
        (
            {"images": 16, "max_neurons": 8192, "max_outputs": 8192},
            "max_outputs must be at most 4096 for 16 images, not 8192",
        ),
        ({"max_copies": 3}, "max_copies must be a power of two from 1 to 4, not 3"),
        ({"max_copies": 0}, "max_copies must be a power of two from 1 to 4, not 0"),
        ({"max_copies": 8}, "max_copies must be a power of two from 1 to 4, not 8"),
        ({"input_width": 3}, "input_width must be a power of two from 1 to 4, not 3"),
        ({"input_width": 0}, "input_width must be a power of two from 1 to 4, not 0"),
        ({"input_width": 8}, "input_width must be a power of two from 1 to 4, not 8"),
        ({"input_width": True}, "input_width must be a power of two from 1 to 4, not True"),
        ({"product_register": 0}, "product_register must be True or False, not 0"),
        ({"memory_register": 1}, "memory_register must be True or False, not 1"),
        ({"crossbar_registers": (2,)}, r"crossbar_registers must be .* below 2, not \(2,\)"),
        ({"crossbar_registers": (-1,)}, r"crossbar_registers must be .* below 2, not \(-1,\)"),
        ({"crossbar_registers": (1, 1)}, r"crossbar_registers must be .* below 2, not \(1, 1\)"),
        ({"crossbar_registers": ("0",)}, r"crossbar_registers must be .* below 2, not \('0',\)"),
        ({"crossbar_registers": 1}, "crossbar_registers must be .* below 2, not 1"),
        ({"crossbar_registers": [0]}, r"crossbar_registers must be .* below 2, not \[0\]"),
    ],
)
def test_rejects(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        EngineConfig(**{**SMALL, **options})
    assert "\n" not in str(caught.value)


def test_the_smallest_and_the_largest():
    smallest = EngineConfig(
        lanes=1, max_neurons=2, weight_words=2, bias_neurons=2, max_outputs=2, program_words=16
    )
    assert (smallest.lane_bits, smallest.neuron_bits, smallest.rows) == (0, 1, 4)
    assert (smallest.groups, smallest.step_bits, smallest.write_bits) == (1, 1, 5)
    assert (smallest.values, smallest.registers) == (1, 0)
    largest = EngineConfig(
        lanes=1024,
        max_neurons=2**15,
        weight_words=2**16,
        bias_neurons=2**16,
        max_outputs=2**15,
        program_words=2**16,
        requantizers=1024,
        memory_register=True,
        product_register=True,
        crossbar_registers=tuple(range(10)),
    )
    assert (largest.lane_bits, largest.neuron_bits, largest.rows) == (10, 15, 64)
    assert (largest.groups, largest.step_bits, largest.write_bits) == (1, 16, 26)
    assert largest.registers == 12
    assert largest.values == 1024


def test_several_images():
    """The most images, in the widest layers that 16 bits can address for them."""
    config = EngineConfig(lanes=8, images=16, requantizers=128, weight_words=1024)
    assert (config.values, config.groups) == (128, 1)
    assert (config.lanes, config.lane_bits, config.rows) == (8, 3, 512)
    assert dataclasses.replace(config, requantizers=1).groups == 128


def test_words_of_inputs():
    """The first neuron lowest, of each of which the first image lowest; image pairs in turn."""
    config = EngineConfig(**SMALL, images=2, input_width=4)
    assert (config.item_bits, config.input_bits, config.store_values) == (16, 64, 8)
    assert dataclasses.replace(config, requantizers=8).store_values == 8
    inputs = np.arange(4 * 8, dtype=np.uint8).reshape(4, 8)
    words = config.inputs(inputs)
    assert [list(word.to_bytes(8, "little")) for word in words] == [
        [0, 8, 1, 9, 2, 10, 3, 11],
        [4, 12, 5, 13, 6, 14, 7, 15],
        [16, 24, 17, 25, 18, 26, 19, 27],
        [20, 28, 21, 29, 22, 30, 23, 31],
    ]
    widest = EngineConfig(lanes=1024, input_width=1024, images=16, max_outputs=2048)
    assert (widest.input_bits, widest.row_bits) == (8 * 16 * 1024, 2)


@pytest.mark.parametrize("images", [1, 4])
@pytest.mark.parametrize("requantizers", [1, 4])
@pytest.mark.parametrize(
    ("options", "registers"),
    [
        ({}, 0),
        ({"memory_register": True}, 1),
        ({"product_register": True}, 1),
        ({"crossbar_registers": (0, 1)}, 2),
        ({"memory_register": True, "product_register": True, "crossbar_registers": (1,)}, 3),
    ],
)
def test_machine(options, registers, images, requantizers):
    """What the golden model's schedule is made for."""
    config = EngineConfig(**SMALL, **options, images=images, requantizers=requantizers)
    assert config.machine == Machine(
        lanes=4, images=images, requantizers=requantizers, registers=registers, rows=16
    )
    assert dataclasses.replace(config, max_copies=2).machine.max_copies == 2
    assert dataclasses.replace(config, input_width=2).machine.input_width == 2
    assert config.machine.values == config.values
    assert config.machine.groups == config.groups


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("requantizers", [1, 4])
def test_every_wait_fits(requantizers, images):
    """No topology's junction waits longer than the runner's walker can count."""
    config = EngineConfig(**SMALL, images=images, requantizers=requantizers)
    rng, longest = np.random.default_rng(1), 0
    for _ in range(100):
        topology = random_topology(rng, config, junctions=3, paths=256)
        longest = max(longest, *plan(topology, config.machine).waits)
    print("the longest wait:", longest, "of", 2**config.wait_bits - 1)
    assert 0 < longest < 2**config.wait_bits


def test_fields_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONFIGS["tiny"].lanes = 8


@pytest.mark.parametrize("name", CONFIGS)
def test_named_configurations(name):
    config = CONFIGS[name]
    assert config.rows * config.lanes == 2 * config.max_neurons
    assert config.groups * config.requantizers == config.values
    assert dataclasses.replace(config) == config


@pytest.mark.parametrize("neuron_bits", range(1, MAX_LOG2_NEURONS + 1))
def test_no_accumulator_wraps(neuron_bits):
    """A neuron has at most as many paths as the widest layer has neurons; and not a bit too many.

    With fewer bits the largest sum would wrap, so this is the tightest bound of the form used.
    """
    config = EngineConfig(
        lanes=1, max_neurons=2**neuron_bits, bias_neurons=2, max_outputs=2, program_words=16
    )
    lowest, highest = 2**neuron_bits * 255 * -128, 2**neuron_bits * 255 * 127
    bits = config.accumulator_bits
    assert -(2 ** (bits - 1)) <= lowest
    assert highest < 2 ** (bits - 1)
    assert lowest < -(2 ** (bits - 2))


def test_header_is_the_golden_models():
    rng, compared = random.Random(1), 0
    extremes = [(kind, s, f, n) for kind in Kind for s in (0, 31) for f in (0, 15) for n in (0, 31)]
    some = [
        (rng.choice(list(Kind)), rng.randrange(32), rng.randrange(16), rng.randrange(32))
        for _ in range(500)
    ]
    for fields in extremes + some:
        names = ("kind", "shift", "fan_in", "steps")
        layout = HEADER.const(dict(zip(names, fields, strict=True)))
        assert layout.as_value().value == image.header(*fields)
        compared += 1
    assert compared == 532
    assert HEADER.size == 16


def test_write_layout():
    config = EngineConfig(**SMALL)
    word = config.write_layout.const({"space": Space.PROGRAM, "address": 255, "data": 0x5A})
    assert config.write_bits == 8
    assert word.as_value().value == 0x5A << 10 | 255 << 2 | 2


class TestImage:
    @staticmethod
    def pack(layers, paths, **options):
        model = random_model(np.random.default_rng(0), Topology(layers, paths))
        return EngineConfig(**{**SMALL, **options}).image(model)

    def test_fills_every_memory(self):
        """Every layer, every weight, every bias and every output that there is room for."""
        packed = self.pack((32, 32, 16, 16), (128, 64, 64))
        assert packed.weights.shape == (64, 4)
        assert packed.biases.shape == (16, 4)

    def test_fills_the_program(self):
        packed = self.pack((16, 16, 16), (32, 16), program_words=32)
        assert packed.program.shape == (32,)

    def test_fills_the_largest_memories(self):
        """Word and row numbers have 16 bits: one of a phase that has none must not need 17."""
        sizes = {"max_neurons": 2**15, "weight_words": 2**16, "bias_neurons": 2**16}
        options = {**sizes, "lanes": 1, "max_outputs": 2**15, "program_words": 256}
        packed = self.pack((2**14, 2**15, 2**15), (2**15, 2**15), **options)
        assert packed.weights.shape == packed.biases.shape == (2**16, 1)

    @pytest.mark.parametrize(
        ("layers", "paths", "options", "message"),
        [
            ((64, 16), (64,), {}, "the neurons of the widest layer must be at most 32, not 64"),
            ((16, 64), (64,), {}, "the neurons of the widest layer must be at most 32, not 64"),
            ((16, 32), (64,), {}, "the neurons of the last layer must be at most 16, not 32"),
            ((32, 16), (512,), {}, "the paths of all junctions must be at most 256, not 512"),
            (
                (32, 32, 32, 16),
                (32, 32, 32),
                {},
                "the neurons of the layers after the first must be at most 64, not 80",
            ),
            (
                (32, 16, 8),
                (64, 32),
                {"program_words": 32},
                "the words of the program must be at most 32, not 34",
            ),
        ],
    )
    def test_too_big(self, layers, paths, options, message):
        with pytest.raises(InputError, match=f"too big for this engine: {message}") as caught:
            self.pack(layers, paths, **options)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(("layers", "layer"), [((2, 16), 0), ((16, 2, 16), 1), ((16, 2), 1)])
    def test_narrower_than_the_lanes(self, layers, layer):
        message = f"layer {layer} must have at least 4 neurons, one per lane, not 2: pad it"
        with pytest.raises(InputError, match=message):
            self.pack(layers, (16,) * (len(layers) - 1))
