"""The sizes of the memories are those that are built, in the parts that they are said to be in."""

from dataclasses import replace

import pytest
from amaranth.hdl import Fragment, Shape
from amaranth.hdl._mem import MemoryInstance

from sobolpath.golden.machine.image import Space
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engine import PathEngine
from sobolpath.hw.memories import memories, spaces
from sobolpath.hw.path_order.config import CONFIGS as PATH_ORDER
from sobolpath.hw.path_order.engine import PathOrderEngine


def built(fragment, place=()):
    """(Part, words, bits, bits written together, read ports) of every memory below."""
    if isinstance(fragment, MemoryInstance):
        width, (port,) = Shape.cast(fragment._data.shape).width, fragment._write_ports
        unit, reads = width // len(port._en), len(fragment._read_ports)
        return [(".".join(place), fragment._data.depth, width, unit, reads)]
    return [
        found
        for below, name, _ in fragment.subfragments
        for found in built(below, (*place, name) if name else place)
    ]


WIDE = replace(CONFIGS["tiny"], images=2, input_width=4)


@pytest.mark.parametrize("config", [*CONFIGS.values(), WIDE], ids=[*CONFIGS, "wide"])
def test_sizes_are_what_is_built(config):
    found = {place: size for place, *size in built(Fragment.get(PathEngine(config), None))}
    expected = {
        place: [size.words, size.width, size.unit, size.copies]
        for size in memories(config).values()
        for place in found
        if place.startswith(f"{size.part}.")
    }
    assert found == expected
    assert len(memories(config)) == 5
    assert len(found) == 4 + config.input_width  # the activations' banks


@pytest.mark.parametrize("name", PATH_ORDER)
def test_sizes_of_the_path_order_engine(name):
    """Banks are many memories of one size."""
    config = PATH_ORDER[name]
    found = {}
    for place, *size in built(Fragment.get(PathOrderEngine(config), None)):
        found.setdefault(tuple(size), []).append(place)
    expected = {}
    for size in memories(config).values():
        key = size.words, size.width, size.unit, size.copies
        expected[key] = expected.get(key, 0) + size.banks
        places = [place for place in found[key] if place.startswith(f"{size.part}.")]
        assert len(places) >= size.banks
    assert {key: len(places) for key, places in found.items()} == expected
    assert set(spaces(config)) == {Space.WEIGHTS, Space.PROGRAM}


@pytest.mark.parametrize("name", CONFIGS)
def test_bytes_from_outside(name):
    """Every space has its memory, and an address fits the engine's stream."""
    config = CONFIGS[name]
    sizes = spaces(config)
    assert list(sizes) == list(Space)
    assert max(size.bytes for size in sizes.values()) <= 1 << config.write_bits
    assert sizes[Space.WEIGHTS].bytes == config.weight_words * config.lanes
    assert sizes[Space.BIASES].bytes == 4 * config.bias_neurons
    assert sizes[Space.PROGRAM].bytes == 2 * config.program_words
